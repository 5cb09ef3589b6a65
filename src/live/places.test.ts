import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk } from "../../test/support/live-desk.ts";
import { defaultLimits } from "./limits.ts";

test("what is watched in either mode shares the places to read, and is read in the end", async () => {
  const { clock, connect, rules, store } = liveDesk();
  let [active, activeMax] = [0, 0];
  const windows = store.windows.bind(store);
  store.windows = async (query) => {
    activeMax = Math.max(activeMax, ++active);
    await clock.sleep(1500);
    active -= 1;
    return windows(query);
  };
  const ids = Array.from({ length: 10 }, (_, index) => `r${index}`);
  for (const rule_id of ids) rules.set({ rule_id });
  const [plain, exact] = [connect(), connect()];
  plain.say({ subscribe_rules: ids });
  exact.say({ subscribe_rules: ids, mode: "delta" });
  await clock.advance(60_000);
  assert.equal(activeMax, defaultLimits.readsMax);
  assert.deepEqual(new Set(plain.take().map(({ rule_id }) => rule_id)), new Set(ids));
  const snapshots = exact.take().filter(({ type }) => type === "snapshot");
  assert.deepEqual(new Set(snapshots.map(({ rule_id }) => rule_id)), new Set(ids));
});
