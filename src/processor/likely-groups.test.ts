import assert from "node:assert/strict";
import { test } from "node:test";
import { LikelyGroups } from "./likely-groups.ts";

test("grows until ranges fit, and tries less once in a while", () => {
  const likely = new LikelyGroups();
  assert.equal(likely.boundFor(1_000_000), 1024);
  for (const written of [false, false, true]) likely.note(written);
  assert.equal(likely.boundFor(1_000_000), 16_384);
  for (let range = 0; range < 999; range++) likely.note(true);
  assert.equal(likely.boundFor(1_000_000), 4096);
  for (let range = 0; range < 5000; range++) likely.note(true);
  assert.equal(likely.boundFor(1_000_000), 1024);
});

test("a range with no more events is never refused", () => {
  assert.deepEqual(
    [1025, 1024, 1].map((events) => new LikelyGroups().boundFor(events)),
    [1024, undefined, undefined],
  );
});
