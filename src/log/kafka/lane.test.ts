import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimulatedClock, settled } from "../../../test/support/simulated-clock.ts";
import { pack } from "../../event/packed.ts";
import type { OffsetRange } from "../../event/position.ts";
import type { WeirError } from "../../lib/errors.ts";
import { Said } from "./faults.ts";
import { Lane } from "./lane.ts";
import type { Chunk } from "./partition-of.ts";
import type { Sender } from "./sender.ts";
import { slotsPerRecord } from "./slots.ts";

const deadlineMs = 3_000;
const sendLeastMs = 1_000;

const chunk = (id: string): Chunk => ({
  partition: 0,
  ...pack([{ event_id: id, event_type: "t", user_id: "u", timestamp: 1, payload: "{}" }]),
});

/** A broker that keeps each record at the next offset. */
function broker() {
  let next = 0;
  const sender: Sender = { send: async () => next++, keptNothing: () => false, close: async () => {} };
  return sender;
}

function laneOn(open: () => Promise<Sender>) {
  const clock = new SimulatedClock();
  const lane = new Lane({ partition: 0, open, clock, deadlineMs, sendLeastMs, name: "partition 0" });
  return { lane, clock };
}

/** What has become of an append by now. */
function outcomeOf(append: Promise<OffsetRange>): () => string {
  let outcome = "waits";
  append.then(
    ({ from }) => (outcome = `kept at ${from / slotsPerRecord}`),
    (error: WeirError) => (outcome = error.code),
  );
  return () => outcome;
}

describe("a lane", () => {
  test("packs together what comes while a record is on its way, and answers each its positions", async () => {
    const sent: number[] = [];
    const gate = Promise.withResolvers<number>();
    const sender: Sender = {
      ...broker(),
      send: (value) => (sent.push(value.readUInt32LE()) === 1 ? gate.promise : Promise.resolve(8)),
    };
    const { lane } = laneOn(async () => sender);
    const first = lane.add(chunk("a"));
    await settled();
    const others = [lane.add(chunk("b")), lane.add(chunk("c"))];
    gate.resolve(7);
    await first;
    const ranges = await Promise.all(others);
    assert.deepEqual(sent, [1, 2]);
    assert.deepEqual(
      ranges.map(({ from }) => from),
      [8 * slotsPerRecord, 8 * slotsPerRecord + 1],
    );
  });

  test("an append is sent whenever it comes, also in the moment in which the lane falls asleep", async () => {
    for (let turns = 0; turns < 20; turns++) {
      const { lane } = laneOn(async () => broker());
      await lane.add(chunk("a"));
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const outcome = outcomeOf(lane.add(chunk("b")));
      await settled();
      assert.equal(outcome(), "kept at 1", `it came ${turns} turns after the last was answered`);
    }
  });

  test("what waits for a connection is answered at its deadline, however long the connection takes", async () => {
    const { lane, clock } = laneOn(() => new Promise(() => {}));
    const outcome = outcomeOf(lane.add(chunk("a")));
    await clock.advance(deadlineMs - 1);
    assert.equal(outcome(), "waits");
    await clock.advance(1);
    assert.equal(outcome(), "log_unavailable");
  });

  test("under overload what is sent has time to be answered, and what comes too late is not sent", async () => {
    const clock = new SimulatedClock();
    const [{ send }, sent] = [broker(), [] as number[]];
    const slow = async (value: Buffer, withinMs: number): Promise<number> => {
      sent.push(clock.monotonic());
      await clock.sleep(Math.min(900, withinMs));
      if (withinMs < 900) throw new Error("no answer in time");
      return send(value, withinMs);
    };
    const open = async () => ({ ...broker(), send: slow });
    const lane = new Lane({ partition: 0, open, clock, deadlineMs, sendLeastMs, name: "partition 0" });
    // Of these no two share a record.
    const large = (): Chunk => ({ partition: 0, count: 1, bytes: Buffer.alloc(600_000) });
    const outcomes = Array.from({ length: 5 }, () => outcomeOf(lane.add(large())));
    const began = clock.monotonic();
    await settled();
    await clock.advance(deadlineMs + sendLeastMs);
    assert.deepEqual(
      outcomes.map((outcome) => outcome()),
      ["kept at 0", "kept at 1", "kept at 2", "kept at 3", "log_unavailable"],
    );
    assert.deepEqual(
      sent.map((at) => at - began),
      [0, 900, 1_800, 2_700],
    );
  });

  test("a record whose fate nobody knows is unknown; nothing behind it is sent on the same connection", async () => {
    const closed: number[] = [];
    let opened = 0;
    const { lane, clock } = laneOn(async () => {
      const mine = ++opened;
      const send = mine === 1 ? () => Promise.reject(new Error("torn")) : broker().send;
      return { ...broker(), send, close: async () => void closed.push(mine) };
    });
    const first = outcomeOf(lane.add(chunk("a")));
    await settled();
    assert.equal(first(), "log_failed");
    assert.deepEqual(closed, [1]);
    await clock.advance(100);
    const second = outcomeOf(lane.add(chunk("b")));
    await settled();
    assert.equal(second(), "kept at 0");
    assert.equal(opened, 2);
  });

  test("is closed when what waits has been answered, also while it connects", async () => {
    const { lane, clock } = laneOn(() => new Promise(() => {}));
    const outcome = outcomeOf(lane.add(chunk("a")));
    let isClosed = false;
    void lane.close().then(() => (isClosed = true));
    await clock.advance(deadlineMs);
    assert.deepEqual([outcome(), isClosed], ["log_unavailable", true]);
  });

  test("a topic that was made anew under it takes no more: what was sent last is unknown, and the next is refused", async () => {
    const offsets = [5, 6, 0];
    let isOpen = false;
    const { lane, clock } = laneOn(async () => {
      if (isOpen) throw new Said("the topic was made anew");
      isOpen = true;
      return { ...broker(), send: async () => offsets.shift()! };
    });
    await lane.add(chunk("a"));
    await lane.add(chunk("b"));
    const outcome = outcomeOf(lane.add(chunk("c")));
    await settled();
    assert.equal(outcome(), "log_failed");
    const next = outcomeOf(lane.add(chunk("d")));
    await clock.advance(deadlineMs);
    assert.equal(next(), "log_unavailable");
    assert.match(lane.fault ?? "", /the topic was made anew/);
  });
});
