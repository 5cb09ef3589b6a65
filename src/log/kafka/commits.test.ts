import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../../test/support/simulated-clock.ts";
import { src } from "../../event/position.ts";
import { Commits } from "./commits.ts";
import type { CommitsParts } from "./commits.ts";
import { firstSlot } from "./slots.ts";

type Altered = Parameters<CommitsParts["admin"]["alterConsumerGroupOffsets"]>[0];

/** A broker that refuses with what the test says, and a process that is the member that the test says. */
function world(standing?: CommitsParts["standing"]) {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const committed: bigint[] = [];
  const broker = { refusal: undefined as string | undefined };
  const admin = {
    alterConsumerGroupOffsets: async ({ topics }: Altered) => {
      if (broker.refusal !== undefined) throw Object.assign(new Error("refused"), { apiId: broker.refusal });
      committed.push(...topics.flatMap(({ partitionOffsets }) => partitionOffsets.map(({ offset }) => offset)));
    },
  } as unknown as CommitsParts["admin"];
  const commits = new Commits({
    ...{ admin, address: { brokers: [] }, topic: "events", group: "weir", clock },
    standing: standing ?? (() => undefined),
    failed: (error) => told.push((error as { apiId: string }).apiId),
  });
  return { commits, clock, told, committed, broker };
}

test("what is newest is committed, and tried until it is; the log says why not once, and again when it is something else", async () => {
  const { commits, clock, told, committed, broker } = world();
  broker.refusal = "COORDINATOR_NOT_AVAILABLE";
  commits.note(src(0), firstSlot(3));
  await clock.advance(10_000);
  commits.note(src(0), firstSlot(5));
  broker.refusal = "NOT_COORDINATOR";
  await clock.advance(10_000);
  assert.deepEqual(told, ["COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR"]);
  broker.refusal = undefined;
  await clock.advance(1_000);
  assert.deepEqual(committed, [5n]);
  broker.refusal = "NOT_COORDINATOR";
  commits.note(src(0), firstSlot(6));
  await settled();
  assert.equal(told.length, 3);
});

test("that others are members of a group whose offsets one commits by itself is no secret", async () => {
  const { commits, told, broker, clock } = world();
  broker.refusal = "UNKNOWN_MEMBER_ID";
  commits.note(src(0), firstSlot(1));
  await clock.advance(1_000);
  assert.deepEqual(told, ["UNKNOWN_MEMBER_ID"]);
});

test("who is no member now commits nothing, and does not try; what was to be committed is when it is back", async () => {
  let standing: ReturnType<CommitsParts["standing"]> = "away";
  const { commits, clock, committed, told } = world(() => standing);
  commits.note(src(0), firstSlot(1));
  commits.note(src(0), firstSlot(2));
  commits.resume();
  await clock.advance(10_000);
  await commits.flush();
  assert.deepEqual([committed, told], [[], []]);
  standing = undefined;
  commits.resume();
  await settled();
  assert.deepEqual([committed, told], [[2n], []]);
  standing = "away";
  commits.note(src(0), firstSlot(3));
  await commits.close();
  assert.deepEqual(committed, [2n]);
});
