import assert from "node:assert/strict";
import { test } from "node:test";
import { endReadings } from "../../test/support/ended-readings.ts";
import { liveDesk } from "../../test/support/live-desk.ts";
import type { ErrorCode } from "../lib/errors.ts";
import type { WindowQuery } from "../store/store.ts";

const watch = { subscribe_rules: ["clicks"], interval_ms: 50 };

/** A desk whose store ends the readings of windows of which this is true. */
function desk(isTooMuch: (query: WindowQuery) => boolean, code?: ErrorCode) {
  const made = liveDesk();
  return { ...made, seconds: endReadings(made.store, isTooMuch, code) };
}

test("who watches a rule whose windows can't be read is told, and the store is left alone", async () => {
  let isTooMuch = true;
  const { clock, connect, count, store, rules, errors, seconds } = desk(() => isTooMuch);
  count(0, "click", 1);
  const client = connect();
  client.say(watch);
  await clock.advance(10_000);
  const [told, ...more] = client.take();
  assert.deepEqual([told?.code, more, errors.length], ["too_large", [], 3]);
  store.reads = [];
  await clock.advance(60_000);
  assert.deepEqual([client.take(), store.reads], [[], []]);
  // Asked for again and again at once it is read again only after a while.
  for (let second = 0; second < 10; second++) {
    client.say(watch);
    await clock.advance(1000);
  }
  assert.ok(store.reads.length <= 6, store.reads.join(", "));
  assert.ok(client.take().every(({ code }) => code === "too_large"));
  isTooMuch = false;
  rules.set({ rule_id: "clicks" });
  client.say(watch);
  await clock.advance(1000);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[]],
  );
  assert.deepEqual([...seconds], [20]);
});

test("who follows a rule whose windows have become too much is told", async () => {
  let isTooMuch = false;
  const { clock, connect, count } = desk(() => isTooMuch, "too_costly");
  count(0, "click", 1);
  const client = connect();
  client.say(watch);
  await clock.advance(1000);
  client.take();
  isTooMuch = true;
  count(0, "click", 2);
  await clock.advance(10_000);
  assert.deepEqual(
    client.take().map(({ code }) => code),
    ["too_large"],
  );
});

test("rows that are too large to be read together are read in smaller pages", async () => {
  const { clock, connect, count } = desk(({ limit }) => limit > 1000, "invalid_query");
  for (let group = 0; group < 20; group++) count(0, `g${group}`, 1);
  const client = connect();
  client.say(watch);
  await clock.advance(10_000);
  assert.deepEqual(
    client.take().map(({ data }) => data?.length),
    [20],
  );
});
