import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur2 } from "@platformatic/kafka";
import fc from "fast-check";
import type { Event } from "../../event/event.ts";
import { pack, unpack } from "../../event/packed.ts";
import { partitionOf, splitByPartition } from "./partition-of.ts";

const event = (event_id: string, payload = "{}"): Event => ({
  event_id,
  event_type: "t",
  user_id: "u",
  timestamp: 1_768_000_000_000,
  payload,
});

const homeOf = (id: string, partitions: number): number => {
  const bytes = Buffer.from(id);
  return partitionOf(bytes, 0, bytes.length, partitions);
};

// What Java's `Utils.toPositive(Utils.murmur2(key)) % partitions` answers.
test("an id goes where Kafka's own clients put a record of that key", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.integer({ min: 2, max: 50 }), (id, partitions) => {
      const whole = (murmur2(Buffer.from(id.toWellFormed())) & 0x7fffffff) % partitions;
      assert.equal(homeOf(id.toWellFormed(), partitions), whole);
    }),
  );
});

test("the hash is that of Java's client, by values it is known for", () => {
  // From the tests of Kafka's `Utils.murmur2`: 21 → -973932308, foobar → -790332482, a-little-bit-long-string → -985981536.
  const positive = (hash: number): number => hash & 0x7fffffff;
  assert.equal(homeOf("21", 0x7fffffff), positive(-973932308) % 0x7fffffff);
  assert.equal(homeOf("foobar", 0x7fffffff), positive(-790332482) % 0x7fffffff);
  assert.equal(homeOf("a-little-bit-long-string", 0x7fffffff), positive(-985981536) % 0x7fffffff);
});

test("every event is in one chunk of its partition, in order, and no chunk is beyond its bounds", () => {
  const ids = fc.array(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 60 });
  const bounds = { eventsMax: 7, bytesMax: 400 };
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 5 }), (given, partitions) => {
      const events = given.map((id) => event(id.toWellFormed()));
      const chunks = splitByPartition(pack(events), partitions, bounds);
      for (let partition = 0; partition < partitions; partition++) {
        const found = chunks.filter((chunk) => chunk.partition === partition).flatMap(unpack);
        assert.deepEqual(
          found,
          events.filter(({ event_id }) => homeOf(event_id, partitions) === partition),
        );
      }
      for (const { count, bytes } of chunks) assert.ok(count <= bounds.eventsMax && bytes.length <= bounds.bytesMax);
    }),
  );
});

test("an event that is larger than a record should be has one to itself", () => {
  const large = event("large", JSON.stringify({ text: "x".repeat(5000) }));
  const chunks = splitByPartition(pack([event("a"), large, event("b")]), 1, { eventsMax: 10, bytesMax: 1000 });
  assert.deepEqual(
    chunks.map(({ count }) => count),
    [1, 1, 1],
  );
});
