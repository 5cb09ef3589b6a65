import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { createLogger } from "../observe/logger.ts";
import { bringTogether } from "./together.ts";

function desk(fails: readonly string[]) {
  const calls: string[] = [];
  const left = [...fails];
  const call = async (what: string): Promise<void> => {
    calls.push(what);
    if (left[0] === what) throw new WeirError("registry_unavailable", `${left.shift()}: away`, { canRetry: true });
  };
  const rulebook = { catchUp: async () => (await call("catch up"), false), rebuild: () => call("rebuild") };
  const store = { newestSeries: async () => (await call("newest"), 7) };
  const clock = { ...systemClock, sleep: () => systemClock.turn() };
  const logger = createLogger({ level: "silent", format: "json", terminal: false });
  const run = (adopted: boolean, signal?: AbortSignal): Promise<void> =>
    bringTogether(
      rulebook,
      store,
      { adopted, claim: () => call("claim") },
      { clock, logger, ...(signal === undefined ? {} : { signal }) },
    );
  return { calls, run };
}

test("a place that goes away in the middle of a start is waited for", async () => {
  const { calls, run } = desk(["newest", "catch up", "rebuild", "claim"]);
  await run(true);
  assert.deepEqual(calls.slice(-4), ["newest", "catch up", "rebuild", "claim"]);
  assert.equal(calls.filter((one) => one === "claim").length, 2);
});

test("the wait ends when the start is given up", async () => {
  const given = new AbortController();
  given.abort();
  await assert.rejects(desk(["catch up"]).run(false, given.signal), { code: "stopping" });
});
