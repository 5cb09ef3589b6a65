import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRecordsBatch } from "@platformatic/kafka";
import { SimulatedClock, settled } from "../../../test/support/simulated-clock.ts";
import { offset } from "../../event/position.ts";
import type { LogRecord } from "../log.ts";
import { noAnswer } from "./client.ts";
import type { FetchAnswer, PutOff } from "./fetch.ts";
import { TopicReplaced } from "./partition-line.ts";
import type { Bounds, Line } from "./partition-line.ts";
import { PartitionReader } from "./partition-reader.ts";
import { firstSlot, slotsPerRecord } from "./slots.ts";

const outOfRange = { message: "", errors: [{ message: "out of range", apiId: "OFFSET_OUT_OF_RANGE" }] };

function batch(firstOffset: number, leaderEpoch = 0): Buffer {
  const value = Buffer.from(JSON.stringify({ event_id: `e${firstOffset}`, event_type: "t", user_id: 1, timestamp: 0 }));
  const bytes = Buffer.from(createRecordsBatch([{ topic: "t", value, timestamp: 1n }], {}).buffer);
  bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  bytes.writeInt32BE(leaderEpoch, 12);
  return bytes;
}

/** A reader over a line that answers what the test says. */
function world(
  line: {
    fetch(from: number, bytesMax: number, leaderEpoch: number | undefined): Promise<Buffer | FetchAnswer | PutOff>;
    bounds?(): Promise<Bounds>;
  },
  skips = false,
  partition = 3,
  asked: (at: number) => void = () => {},
  aheadBytesMax?: number,
) {
  const clock = new SimulatedClock();
  const told: string[] = [];
  let drops = 0;
  const whole: Line = {
    fetch: async (from, { waitMs, bytesMax, leaderEpoch }) => {
      asked(clock.now());
      const said = await line.fetch(from, bytesMax, leaderEpoch);
      if ("putOffMs" in said) return said;
      const answer = "end" in said ? said : { bytes: said, aborted: [], end: from };
      if (answer.bytes.length === 0) await clock.sleep(waitMs);
      return answer;
    },
    bounds: line.bounds ?? (async () => ({ first: 0, end: 0 })),
    drop: async () => void drops++,
  };
  const reader = new PartitionReader({
    ...{ line: whole, address: { brokers: ["k:9092"] }, topic: "events", partition, futureMaxMs: 1000, clock },
    skipsGap: () => skips,
    aheadBytesMax,
    tell: (level, message) => told.push(`${level}: ${message}`),
  });
  const read = async (record: number): Promise<readonly LogRecord[] | Error> => {
    const reading = reader
      .read(offset(firstSlot(record)), { bytesMax: 1 << 20, eventsMax: 100, waitMs: 0 })
      .catch((error: Error) => error);
    let done = false;
    void reading.then(() => (done = true));
    for (let rounds = 0; !done && rounds < 200; rounds++) await clock.advance(100);
    assert.ok(done, "the read hangs");
    return reading;
  };
  return { reader, clock, read, told, drops: () => drops };
}

const nothing = Buffer.alloc(0);

describe("a reader of a partition", () => {
  test("reads past offsets that are gone", async () => {
    const { read } = world({ fetch: async (from) => (from <= 5 ? batch(5) : nothing) });
    const found = await read(2);
    assert.ok(Array.isArray(found));
    assert.deepEqual(
      found.map(({ from, to, events }) => [from / slotsPerRecord, (to + 1) / slotsPerRecord, events.count]),
      [
        [2, 5, 0],
        [5, 6, 1],
      ],
    );
  });

  test("does not say that nothing is there while nobody could be asked", async () => {
    let isAway = true;
    const { reader, clock, told } = world({
      fetch: () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(batch(0))),
    });
    const found: LogRecord[] = [];
    let isDone = false;
    void reader
      .read(offset(0), { bytesMax: 1, eventsMax: 1, waitMs: 0 })
      .then((records) => (isDone = found.push(...records) > 0));
    await clock.advance(60_000);
    assert.equal(isDone, false);
    isAway = false;
    await clock.advance(1_100);
    assert.equal(found.length, 1);
    assert.equal(told.length, 2, "it was told once that it can't be read, and once that it can");
  });

  test("nothing is given behind an open transaction, and how far it was given says that more is there", async () => {
    let isOpen = false;
    const { reader, clock, read } = world({
      fetch: async (from) => ({ bytes: nothing, aborted: [], end: isOpen ? from + 9 : from }),
    });
    assert.equal(reader.givenThrough, 0, "it was not asked");
    await read(3);
    const [emptyAt, now] = [reader.givenThrough, clock.now()];
    assert.ok(emptyAt > now - 1_000 && emptyAt <= now);
    isOpen = true;
    for (let i = 0; i < 20; i++) {
      await clock.advance(1_000);
      assert.deepEqual(await read(3), [], "who reads goes on, to commit or to end");
    }
    assert.ok(reader.givenThrough < now + 1_000, "but nothing says that what came meanwhile was given");
    isOpen = false;
    await clock.advance(2_000);
    await read(3);
    assert.ok(reader.givenThrough > clock.now() - 1_000);
  });

  test("what was given ends with the time of its last record until a broker says that nothing follows", async () => {
    const { reader, read } = world({ fetch: async (from) => (from === 0 ? batch(0) : nothing) });
    assert.equal(((await read(0)) as readonly LogRecord[]).length, 1);
    assert.equal(reader.givenThrough, 1);
    assert.deepEqual(await read(1), []);
    assert.ok(reader.givenThrough > 1);
  });

  test("what a line can't carry in time is asked for in smaller pieces, until it comes", async () => {
    const sizes: number[] = [];
    const { read } = world({
      fetch: async (from, bytesMax) => {
        sizes.push(bytesMax);
        if (bytesMax > 1 << 20) throw noAnswer();
        return batch(from);
      },
    });
    for (const record of [0, 1, 2]) assert.equal(((await read(record)) as readonly LogRecord[]).length, 1);
    assert.deepEqual(
      sizes.map((size) => size / (1 << 20)),
      [8, 4, 2, 1, 2, 1, 2, 1],
    );
  });

  test("who has little room for many partitions reads little ahead, and opens little of it", async () => {
    const three = Buffer.concat([0, 1, 2].map((record) => batch(record)));
    const fetched: number[][] = [];
    const fetch = async (from: number, bytesMax: number): Promise<Buffer> => {
      fetched.push([from, bytesMax]);
      return from === 0 ? three : batch(from);
    };
    const { read } = world({ fetch }, false, 3, () => {}, 100);
    const found = [];
    for (const record of [0, 2, 3]) found.push(((await read(record)) as readonly LogRecord[]).length);
    assert.deepEqual(
      [found, fetched],
      [
        [2, 1, 1],
        [
          [0, 100],
          [3, 100],
        ],
      ],
    );
  });

  test("partitions that fail together ask again at different moments", async () => {
    const asked: number[][] = [];
    for (const partition of [1, 2]) {
      const { reader, clock } = world({ fetch: () => Promise.reject(new Error("away")) }, false, partition, (at) =>
        (asked[partition] ??= []).push(at),
      );
      void reader.read(offset(0), { bytesMax: 1, eventsMax: 1, waitMs: 0 });
      await clock.advance(5_000);
      await reader.close();
    }
    assert.ok(asked[1]!.length > 3);
    assert.equal(new Set(asked[1]).intersection(new Set(asked[2])).size, 1, "but the first time");
  });

  test("a broker that puts the question off has not said that nothing is there, and is asked again when it says", async () => {
    let asked = 0;
    const { reader, clock } = world({
      fetch: async () => (++asked < 4 ? { putOffMs: 2_000 } : batch(0)),
    });
    let found: readonly LogRecord[] | undefined;
    void reader.read(offset(0), { bytesMax: 1, eventsMax: 1, waitMs: 0 }).then((records) => (found = records));
    await settled();
    await clock.advance(5_900);
    assert.deepEqual([asked, found, reader.givenThrough], [3, undefined, 0]);
    await clock.advance(200);
    assert.deepEqual([asked, found?.length], [4, 1]);
  });

  test("a broker that has missed an election, and so ends too early, is not believed at once", async () => {
    let asked = 0;
    const { read, told } = world({
      fetch: () => (++asked < 4 ? Promise.reject(outOfRange) : Promise.resolve(batch(500))),
      bounds: async () => ({ first: 0, end: 400 }),
    });
    const found = await read(500);
    assert.ok(Array.isArray(found) && found.length === 1);
    assert.match(told[0]!, /ends at record 400, but was read up to 500 before/);
  });

  test("a partition that goes on ending before what was read of it is a gap", async () => {
    const { read } = world({
      fetch: () => Promise.reject(outOfRange),
      bounds: async () => ({ first: 0, end: 400 }),
    });
    const error = await read(500);
    assert.ok(error instanceof Error);
    assert.match(error.message, /ends at record 400, but was read up to 500 before/);
  });

  test("does not go on in another topic of the same name, though that has as many records", async () => {
    let asked = 0;
    const { read } = world({
      fetch: () => (++asked === 1 ? Promise.reject(new TopicReplaced()) : Promise.resolve(batch(7))),
    });
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await read(7);
      assert.ok(error instanceof Error);
      assert.match(error.message, /the topic events was made anew/);
    }
  });

  test("records that were read, and then replaced by others under a leader that had not got them, are a gap", async () => {
    const epochs: (number | undefined)[] = [];
    const { read } = world({
      fetch: async (from, _, leaderEpoch) => {
        epochs.push(leaderEpoch);
        if (from < 5) return Buffer.concat([batch(from, from), batch(from + 1, from + 1)]);
        return { bytes: nothing, aborted: [], end: 9, replacedFrom: 3 };
      },
    });
    for (const record of [0, 3, 4]) assert.ok(Array.isArray(await read(record)));
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await read(5);
      assert.ok(error instanceof Error && "code" in error);
      assert.equal(error.code, "log_gap");
      assert.match(error.message, /has other records from 3 on than were read up to 5/);
    }
    assert.deepEqual(epochs, [-1, -1, 4], "where it is known under which leader the record before was written");
  });

  test("what lies before records that were deleted is a gap, or passed over and told once", async () => {
    const line = {
      fetch: (from: number) => (from < 9 ? Promise.reject(outOfRange) : Promise.resolve(batch(9))),
      bounds: async () => ({ first: 9, end: 10 }),
    };
    const error = await world(line).read(4);
    assert.match(
      (error as Error).message,
      /records 4 to 8 of partition 3 of events were deleted.*counted\. Retention is too short/,
    );
    const first = await world(line).read(0);
    assert.match(
      (first as Error).message,
      /records 0 to 8 of .* Either Weir counts it for the first time, and they were gone before; or retention .* start once with --kafka-gap skip/,
    );
    const found = await world(line, true).read(4);
    assert.ok(Array.isArray(found));
    assert.deepEqual([found[0]!.from, found[0]!.to], [firstSlot(4), firstSlot(9) - 1]);
  });

  test("an offset that is refused and then said to be there is asked for again, but not without a pause", async () => {
    let asked = 0;
    const { reader, clock } = world({
      fetch: () => (++asked > 1000 ? new Promise(() => {}) : Promise.reject(outOfRange)),
      bounds: async () => ({ first: 0, end: 10 }),
    });
    void reader.read(offset(0), { bytesMax: 1, eventsMax: 1, waitMs: 0 });
    await clock.advance(10_000);
    assert.ok(asked < 30, `it was asked ${asked} times in 10 s`);
    await reader.close();
    await settled();
  });
});
