import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk, minute } from "../../test/support/live-desk.ts";

const ids = ["a", "b", "c", "d"];

/** Rules of which the first has the most groups in each window; a row takes some 190 bytes. */
function desk(mirrorBytesAllMax: number, windows: number) {
  const made = liveDesk({ mirrorBytesAllMax });
  const { clock, rules, store, connect } = made;
  const [series, now] = [ids.map((rule_id) => rules.set({ rule_id })), clock.now()];
  for (const [index, one] of series.entries())
    for (let window = 0; window < windows; window++)
      for (let group = 0; group < 8 - 2 * index; group++)
        store.set(one, { windowStart: now - window * 10 * minute, group: [`g${group}`], value: 1 });
  const client = connect();
  client.say({ subscribe_rules: ids, interval_ms: 50 });
  return { ...made, client, series };
}

test("of what is held of all rules together the older windows of the largest go, and nobody is told", async () => {
  const { clock, client, count, series } = desk(30_000, 10);
  await clock.advance(1000);
  assert.deepEqual(
    client.take().map(({ data, truncated }) => [data?.length, truncated]),
    [8, 6, 4, 2].map((rows) => [rows, undefined]),
  );
  // What is counted first after a snapshot is news as a whole.
  count(0, "g1", 1);
  await clock.advance(1000);
  client.take();
  for (const one of series) count(-5, "g1", 7, one);
  await clock.advance(1000);
  // Of the first it is not known any more what its window had: all of it is news.
  const news = client.take().map(({ rule_id, data, truncated }) => [rule_id, data?.length, truncated]);
  assert.deepEqual(
    news,
    ids.map((id) => [id, id === "a" ? 8 : 1, undefined]),
  );
});

test("rules whose newest windows are the largest are watched no longer where those of all are too much together", async () => {
  const { clock, client, count, series } = desk(3000, 1);
  await clock.advance(1000);
  const refused = client.take().filter(({ type }) => type === "error");
  assert.deepEqual(
    refused.map(({ rule_id, code }) => [rule_id, code]),
    [
      ["a", "too_large"],
      ["b", "too_large"],
    ],
  );
  for (const one of series) count(0, "g1", 7, one);
  await clock.advance(1000);
  assert.deepEqual(
    client.take().map(({ rule_id }) => rule_id),
    ["c", "d"],
  );
});
