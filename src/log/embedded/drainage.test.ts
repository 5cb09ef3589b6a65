import assert from "node:assert/strict";
import { test } from "node:test";
import { Drainage } from "./drainage.ts";

const MiB = 2 ** 20;

test("a refused client is told to wait as long as the log needs for making room", () => {
  let now = 50_000;
  const drainage = new Drainage({ monotonic: () => now });
  assert.equal(drainage.msUntil(MiB), 10_000, "nothing is known to move");
  for (let tick = 0; tick < 40; tick++) {
    now += 500;
    drainage.drained(MiB);
  }
  const about = (bytes: number): number => Math.round(drainage.msUntil(bytes) / 1000);
  assert.equal(about(8 * MiB), 4);
  assert.equal(about(MiB / 4), 1, "a header can't say less than a second");
  assert.equal(about(1000 * MiB), 10, "and more would keep clients away from an empty log");
});

test("what was drained long ago says nothing: while the engine is away the wait is the longest", () => {
  let now = 0;
  const drainage = new Drainage({ monotonic: () => now });
  for (let tick = 0; tick < 20; tick++, now += 500) drainage.drained(MiB);
  assert.ok(drainage.msUntil(MiB) < 2000);
  now += 5000;
  assert.ok(drainage.msUntil(4 * MiB) > 2000, "it is slower than it was");
  now += 10_000;
  assert.equal(drainage.msUntil(1), 10_000);
});
