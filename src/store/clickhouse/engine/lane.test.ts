import assert from "node:assert/strict";
import { test } from "node:test";
import { lane } from "./lane.ts";

test("a lane turns away what does not fit its queue as ClickHouse does", async () => {
  const reads = lane(1, 2);
  const leave = await reads.take();
  const waiting = [reads.take(), reads.take()];
  await assert.rejects(reads.take(), /Code: 202/);
  leave();
  (await waiting[0]!)();
  (await waiting[1]!)();
  (await reads.take())();
});
