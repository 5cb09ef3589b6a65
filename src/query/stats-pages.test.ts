import assert from "node:assert/strict";
import { test } from "node:test";
import { at, setUp } from "../../test/support/stats-desk.ts";
import type { RawParameters } from "./parameters.ts";

test("asc is another name of oldest, and desc of newest, which is the order of who asks for none", async () => {
  const { ask, put } = setUp([]);
  for (const time of ["19:10:00", "19:00:00", "19:20:00"]) put(time, [], 1);
  const starts = async (raw: RawParameters) => (await ask(raw)).data.map((row) => at(row.window_start.slice(11, 19)));
  const oldest = [at("19:00:00"), at("19:10:00"), at("19:20:00")];
  for (const order of ["asc", "oldest"]) assert.deepEqual(await starts({ order }), oldest);
  for (const raw of [{ order: "desc" }, { order: "newest" }, {}])
    assert.deepEqual(await starts(raw), oldest.toReversed());
  // A page goes on under either name.
  const { next_cursor: cursor } = await ask({ order: "asc", limit: "1" });
  assert.deepEqual(await starts({ order: "oldest", cursor }), oldest.slice(1));
});

test("a page has 100 rows for who asks for no other number", async () => {
  const { ask, put } = setUp();
  for (let group = 0; group < 101; group++) put("19:30:00", [`g${group}`], 1);
  const { count, data, next_cursor: cursor } = await ask({});
  assert.deepEqual([count, data.length], [100, 100]);
  assert.equal((await ask({ cursor })).count, 1);
});
