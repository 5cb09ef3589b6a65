import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IdShard } from "./id-shard.ts";

test("ids that crowd into few slots are found all the same after others are forgotten", () => {
  const id = fc.record({ home: fc.integer({ min: 58, max: 70 }), name: fc.nat(2), forget: fc.boolean() });
  fc.assert(
    fc.property(fc.array(id, { maxLength: 200, size: "max" }), (steps) => {
      const shard = new IdShard();
      const known = new Set<string>();
      for (const { home, name, forget } of steps) {
        const hash = Uint32Array.of(home, name, 1, 0);
        const key = `${home} ${name}`;
        if (forget) {
          shard.forget(hash);
          known.delete(key);
        } else {
          assert.equal(shard.take(hash, 5), known.has(key) ? "repeat" : "new", key);
          known.add(key);
        }
      }
      assert.equal(shard.size, known.size);
    }),
    { numRuns: 300 },
  );
});

test("a table whose bound has become much less, and that has hardly anything left, forgets no horizon", () => {
  const shard = new IdShard();
  shard.holdAtMost(4000);
  for (let home = 0; home < 5000; home++) shard.take(Uint32Array.of(home, 0, 0, 0), 10);
  // All are of one second, and so all go.
  shard.makeRoom();
  // None of these lies where a sample is taken.
  for (let home = 1; home < 6; home++) assert.equal(shard.take(Uint32Array.of(home, 0, 0, 0), 20), "new");
  shard.holdAtMost(1);
  shard.makeRoom();
  assert.equal(shard.take(Uint32Array.of(9, 0, 0, 0), 10), "unknown", "it may be stored");
  assert.equal(shard.size, 5);
  shard.makeRoom();
  assert.equal(shard.size, 0);
});

test("ids of events behind the seconds that 32 bits hold are remembered as of the last one, and never counted again", () => {
  const last = 2 ** 32 - 1;
  const shard = new IdShard();
  for (const [name, second] of [last - 1, last, last + 1, 2 ** 38].entries()) {
    // All of one place, so that one that stored nothing would hide those behind it.
    const hash = Uint32Array.of(1, name, 0, 0);
    assert.equal(shard.take(hash, second), "new", `${second}`);
    assert.equal(shard.take(hash, second), "repeat", `${second}`);
  }
  for (let second = 1000; second < 1004; second++) shard.take(Uint32Array.of(second, 0, 0, 0), second);
  shard.holdAtMost(8);
  shard.makeRoom();
  assert.equal(shard.take(Uint32Array.of(1, 3, 0, 0), 2 ** 38), "repeat", "the earliest is forgotten first");
  assert.equal(shard.take(Uint32Array.of(1000, 0, 0, 0), 1000), "unknown");
  shard.holdAtMost(1);
  shard.makeRoom();
  assert.equal(shard.size, 0);
  assert.equal(shard.take(Uint32Array.of(1, 3, 0, 0), 2 ** 38), "unknown", "it may be stored");
});
