import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OffsetRange } from "../event/position.ts";
import { offset, src } from "../event/position.ts";
import { withoutMarked } from "./fill-work.ts";
import { endOfMarked } from "./recover.ts";

const range = (from: number, to: number): OffsetRange => ({ src: src(0), from: offset(from), to: offset(to) });

test("recovery goes on behind the last mark that follows end to end", () => {
  assert.equal(endOfMarked(offset(5), []), 5);
  assert.equal(endOfMarked(offset(5), [range(0, 4), range(5, 9), range(10, 10)]), 11);
  assert.equal(endOfMarked(offset(5), [range(2, 9)]), 10);
});

test("a hole between marks is refused instead of passed over", () => {
  assert.throws(() => endOfMarked(offset(0), [range(0, 4), range(6, 9)]), /not 5 to 5 before them/);
});

test("holes and marks together are the range, without overlap", () => {
  const cuts = fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(cuts, (numbers) => {
      const sorted = [...numbers].sort((a, b) => a - b);
      const marks: OffsetRange[] = [];
      for (let index = 0; index + 1 < sorted.length; index += 2)
        marks.push(range(sorted[index]!, sorted[index + 1]! - 1));
      const covered = [...marks, ...withoutMarked(range(0, 50), marks)].flatMap((part) =>
        Array.from({ length: part.to - part.from + 1 }, (_, index) => part.from + index),
      );
      assert.deepEqual(
        covered.sort((a, b) => a - b),
        Array.from({ length: 51 }, (_, index) => index),
      );
    }),
  );
});
