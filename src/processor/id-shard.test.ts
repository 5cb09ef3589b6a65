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
