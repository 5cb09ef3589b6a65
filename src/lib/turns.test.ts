import assert from "node:assert/strict";
import { it } from "node:test";
import { Turns } from "./turns.ts";

it("turns are given to so many at once, and then in order", async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends = [0, 1, 2, 3].map(async (index) => {
    const end = await turns.take();
    begun.push(index);
    return end;
  });
  const [first, second] = await Promise.all(ends.slice(0, 2));
  assert.deepEqual(begun, [0, 1]);
  second!();
  await ends[2];
  assert.deepEqual(begun, [0, 1, 2]);
  first!();
  await ends[3];
  assert.deepEqual(begun, [0, 1, 2, 3]);
});
