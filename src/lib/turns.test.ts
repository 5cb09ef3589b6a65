import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
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

it("who waits no longer leaves the queue at once, and nobody listens to the signal of who has had a turn", async () => {
  const turns = new Turns(1);
  const end = await turns.take();
  const [leaving, staying] = [new AbortController(), new AbortController()];
  const [left, stayed] = [turns.take(leaving.signal), turns.take(staying.signal)];
  assert.equal(turns.waiting, 2);
  leaving.abort(new Error("gone"));
  await assert.rejects(left, /gone/);
  assert.equal(turns.waiting, 1);
  end();
  const last = await stayed;
  assert.deepEqual(getEventListeners(staying.signal, "abort"), []);
  await assert.rejects(turns.take(leaving.signal), /gone/);
  last();
  (await turns.take())();
});
