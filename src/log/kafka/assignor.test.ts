import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterMetadata, GroupPartitionsAssigner } from "@platformatic/kafka";
import fc from "fast-check";
import { evenAssignor } from "./assignor.ts";

type Members = Parameters<GroupPartitionsAssigner>[1];
type Owned = ReadonlyMap<string, readonly number[]>;

const topic = "events_raw";

const ascending = (a: number, b: number): number => a - b;

const metadataOf = (partitionsCount: number): ClusterMetadata =>
  ({ topics: new Map([[topic, { partitionsCount }]]) }) as unknown as ClusterMetadata;

/** What each is told, given what each has. */
function told(owned: Owned, partitions: number): Map<string, number[]> {
  const members: Members = new Map(
    [...owned].map(([memberId, has]) => {
      const ownedPartitions = has.length > 0 ? [{ topic, partitions: [...has] }] : [];
      return [
        memberId,
        { memberId, version: 3, topics: [topic], generationId: has.length > 0 ? 7 : -1, ownedPartitions },
      ];
    }),
  );
  const assignments = evenAssignor("a", members, new Set([topic]), metadataOf(partitions));
  return new Map(
    assignments.map(({ memberId, assignments: of }) => [
      memberId,
      (of.get(topic)?.partitions ?? []).toSorted(ascending),
    ]),
  );
}

/** Round for round, until nobody has to let anything go. Nothing is ever given to one while another has it. */
function divided(owned: Owned, partitions: number): Owned {
  let has = owned;
  for (let round = 0; round < 10; round++) {
    const next = told(has, partitions);
    for (const [member, given] of next)
      for (const [other, held] of has)
        if (other !== member)
          assert.deepEqual(
            given.filter((one) => held.includes(one)),
            [],
          );
    const revoked = [...has].some(([member, held]) => held.some((one) => !next.get(member)!.includes(one)));
    has = next;
    if (!revoked) return has;
  }
  throw new Error("it never comes to rest");
}

test("who comes back gets its share, also where the others have no more than their bound", () => {
  const after = divided(
    new Map([
      ["a", []],
      ["b", [0, 1]],
      ["c", [2, 3]],
    ]),
    4,
  );
  assert.deepEqual([...after.values()].map((one) => one.length).toSorted(ascending), [1, 1, 2]);
});

test("whoever has what: all partitions have one owner in the end, evenly, and moving is two steps", () => {
  const histories = fc
    .record({ members: fc.integer({ min: 1, max: 7 }), partitions: fc.integer({ min: 1, max: 24 }) })
    .chain(({ members, partitions }) =>
      fc.record({
        members: fc.constant(members),
        owners: fc.array(fc.integer({ min: -1, max: members - 1 }), { minLength: partitions, maxLength: partitions }),
      }),
    );
  fc.assert(
    fc.property(histories, ({ members, owners }) => {
      const owned = new Map(
        Array.from({ length: members }, (_, member) => [
          `m${member}`,
          owners.flatMap((owner, partition) => (owner === member ? [partition] : [])),
        ]),
      );
      const after = divided(owned, owners.length);
      const all = [...after.values()].flat().toSorted(ascending);
      assert.deepEqual(all, owners.keys().toArray());
      const sizes = [...after.values()].map((one) => one.length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, sizes.join());
    }),
  );
});
