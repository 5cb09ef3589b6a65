import assert from "node:assert/strict";
import { test } from "node:test";
import { offset, src } from "../../event/position.ts";
import { KnownEnds } from "./known-ends.ts";

const at = (...ends: readonly number[]) => new Map(ends.map((end, partition) => [src(partition), offset(end)]));

test("ends that go back are another's, who is behind: they are asked for again", () => {
  const ends = new KnownEnds();
  ends.check(at(10, 20));
  ends.note(src(0), offset(15));
  ends.note(src(0), offset(3));
  assert.throws(() => ends.check(at(14, 20)), /partition 0 ends at 14, but had 15 before/);
  ends.check(at(15, 21));
  assert.throws(() => ends.check(at(15, 20)), /partition 1/);
  ends.check(at(16, 21, 5));
});
