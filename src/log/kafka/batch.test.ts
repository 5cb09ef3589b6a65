import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { crc32c, createRecordsBatch } from "@platformatic/kafka";
import { unpack } from "../../event/packed.ts";
import type { LogRecord } from "../log.ts";
import { batchesIn, openBatch } from "./batch.ts";
import type { Batch } from "./batch.ts";
import { Fetched, covers } from "./batches.ts";
import { Decoder } from "./record.ts";
import { slotsPerRecord } from "./slots.ts";

const at = Date.UTC(2026, 0, 13, 10);
const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
type Codec = (typeof codecs)[number];

const event = (id: string, text = ""): Buffer =>
  Buffer.from(
    JSON.stringify({
      event_id: id,
      event_type: "t",
      user_id: "u",
      timestamp: at,
      ...(text ? { payload: { text } } : {}),
    }),
  );

/** As the broker gives it: with the offset that it was given. */
function batch(
  values: readonly Buffer[],
  codec: Codec,
  firstOffset = 0,
  headers: readonly (readonly [string, string])[] = [],
): Buffer {
  const named = new Map(headers.map(([key, value]) => [Buffer.from(key), Buffer.from(value)]));
  const messages = values.map((value) => ({ topic: "t", value, timestamp: BigInt(at), headers: named }));
  const bytes = Buffer.from(createRecordsBatch(messages, { compression: codec }).buffer);
  bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  return bytes;
}

/** Others' bytes in place of what is compressed, as a producer might send them, or as a disk might have spoiled them. */
function spoilt(bytes: Buffer, { isSigned }: { readonly isSigned: boolean }): Buffer {
  const other = Buffer.from(bytes);
  other.fill(0xee, 65);
  if (isSigned) other.writeUInt32BE(crc32c(other.subarray(21)) >>> 0, 17);
  return other;
}

/** Of three records the second was compacted away. */
function withoutMiddle(): Buffer {
  const three = batch([event("a"), event("b"), event("c")], "none");
  const each = (three.length - recordsAt) / 3;
  return holding(three, Buffer.concat([three.subarray(recordsAt, recordsAt + each), three.subarray(-each)]), 2);
}

const recordsAt = 61;

/** A batch like `bytes` with others' records in it. */
function holding(bytes: Buffer, records: Buffer, count: number): Buffer {
  const other = Buffer.concat([bytes.subarray(0, recordsAt), records]);
  other.writeInt32BE(other.length - 12, 8);
  other.writeInt32BE(count, 57);
  other.writeUInt32BE(crc32c(other.subarray(21)) >>> 0, 17);
  return other;
}

/** Of a length, as Kafka writes it: zigzag, then seven bits a byte. */
function varint(length: number): Buffer {
  const bytes: number[] = [];
  for (let rest = length * 2; bytes.length === 0 || rest > 0; rest >>>= 7)
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  return Buffer.from(bytes);
}

/** A record without a key, with so many headers of two bytes each; `extra`: so much longer than it is, as it says. */
function record(value: Buffer, headers: number, extra = 0): Buffer {
  const head = Buffer.from([0, 0, 0, 1]);
  const rest = Buffer.concat([head, varint(value.length), value, varint(headers), Buffer.alloc(2 * headers)]);
  return Buffer.concat([varint(rest.length + extra), rest]);
}

const only = (bytes: Buffer): Batch => [...batchesIn(bytes)][0]!;

function take(fetched: Fetched): readonly LogRecord[] {
  return fetched.take({ decoder: new Decoder(86_400_000), now: at + 1000 });
}

const idsOf = (records: readonly LogRecord[]): string[] =>
  records.flatMap((record) => unpack(record.events).map(({ event_id }) => event_id));

describe("a batch of records", () => {
  for (const codec of codecs) {
    test(`${codec}: is opened up to its bound, and not a byte beyond it`, () => {
      const found = only(batch([event("a", "x".repeat(100_000)), event("b")], codec));
      const opened = openBatch(found);
      assert.ok("records" in opened);
      assert.equal(opened.records.length, 2);
      const exactly = { bytesMax: opened.bytes, recordsMax: 2 };
      assert.ok("records" in openBatch(found, exactly));
      if (codec === "none") return;
      const refused = openBatch(found, { ...exactly, bytesMax: opened.bytes - 1 });
      assert.ok("why" in refused);
      assert.match(refused.why, new RegExp(`larger than ${opened.bytes - 1} bytes when decompressed \\(${codec}\\)`));
    });
  }

  test("with more records than may be is not opened", () => {
    const refused = openBatch(only(batch([event("a"), event("b")], "gzip")), { bytesMax: 1 << 20, recordsMax: 1 });
    assert.ok("why" in refused);
    assert.match(refused.why, /has 2 records, at most 1 can be; have the producer send smaller batches/);
  });

  for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
    test(`${codec}: that can't be decompressed is one record that says so, and those around it are read`, () => {
      const bad = spoilt(batch([event("lost"), event("lost too")], codec, 1), { isSigned: true });
      const fetched = Buffer.concat([batch([event("a")], codec, 0), bad, batch([event("b")], codec, 3)]);
      const records = take(new Fetched(7, 0, { bytes: fetched, aborted: [] }));
      assert.deepEqual(idsOf(records), ["a", "b"]);
      const { from, to, src, unreadable } = records[1]!;
      assert.deepEqual([src, from, to], [7, slotsPerRecord, 3 * slotsPerRecord - 1]);
      assert.match(
        unreadable!.reason,
        new RegExp(`^the batch of the records 1 to 2 can't be decompressed \\(${codec}\\)`),
      );
    });
  }

  test("that is not what its producer has sent ends reading, with its place and what to do", () => {
    const bad = spoilt(batch([event("lost"), event("lost too")], "gzip", 4), { isSigned: false });
    assert.throws(() => take(new Fetched(2, 0, { bytes: bad, aborted: [] })), {
      code: "log_damaged",
      message: /records 4 to 5 of partition 2 are damaged: .*delete the records before 6 .*--kafka-gap skip/,
    });
  });

  test("of which a bit has turned that can be read all the same ends reading too", () => {
    for (const codec of ["none", "lz4"] as const) {
      const bad = batch([event("a", "x".repeat(100))], codec, 4);
      const id = bad.indexOf('"a"') + 1;
      bad.writeUInt8("b".charCodeAt(0), id);
      assert.throws(() => take(new Fetched(2, 0, { bytes: bad, aborted: [] })), { code: "log_damaged" }, codec);
    }
  });

  test("that is damaged, or from a later Weir, hides none of those before it", () => {
    const whole = batch([event("a"), event("b")], "none", 0);
    const damaged = spoilt(batch([event("lost")], "gzip", 2), { isSigned: false });
    const later = batch([event("lost")], "none", 2, [["weir-format", "packed-9"]]);
    for (const bad of [damaged, later]) {
      const fetched = new Fetched(0, 0, { bytes: Buffer.concat([whole, bad]), aborted: [] });
      assert.deepEqual(idsOf(take(fetched)), ["a", "b"]);
      assert.equal(fetched.next, 2);
      assert.throws(() => take(fetched), { code: "log_damaged" });
      assert.throws(() => take(fetched), { code: "log_damaged" }, "and not less the second time");
    }
  });

  test("that begins behind what was asked for covers the offsets before it, which nobody has any more", () => {
    const found = take(new Fetched(0, 10, { bytes: batch([event("a")], "none", 12), aborted: [] }));
    assert.deepEqual(idsOf(found), ["a"]);
    assert.ok(covers(found, 10 * slotsPerRecord), "who reads from there would ask for ever");
    assert.deepEqual([found[0]!.from, found[0]!.to], [10 * slotsPerRecord, 12 * slotsPerRecord - 1]);
  });

  test("in which the record that was asked for is gone covers its offset", () => {
    const found = take(new Fetched(0, 1, { bytes: withoutMiddle(), aborted: [] }));
    assert.deepEqual(idsOf(found), ["c"]);
    assert.ok(covers(found, slotsPerRecord));
  });

  test("with the log's own time is judged by that, whatever the clock says that reads it; the clock of a writer is not believed", () => {
    const hour = 3_600_000;
    const judge = (isLogsTime: boolean, now: number): LogRecord => {
      const bytes = batch([event("a")], "none");
      if (isLogsTime) bytes.writeInt16BE(0x08, 21);
      bytes.writeUInt32BE(crc32c(bytes.subarray(21)) >>> 0, 17);
      return new Fetched(0, 0, { bytes, aborted: [] }).take({ decoder: new Decoder(24 * hour), now })[0]!;
    };
    const early = at - 48 * hour;
    const ours = judge(true, early);
    assert.deepEqual(
      [idsOf([ours]), ours.appendedAt],
      [["a"], early],
      "what it is said to have waited is no less than nothing",
    );
    assert.match(judge(false, early).unreadable!.reason, /timestamp/);
    assert.deepEqual(idsOf([judge(false, at), judge(true, at)]), ["a", "a"]);
  });

  test("in Kafka's old format is set aside", () => {
    const old = batch([event("a")], "none", 3);
    old.writeInt8(1, 16);
    const [record] = take(new Fetched(0, 3, { bytes: old, aborted: [] }));
    assert.deepEqual([record!.from, record!.to], [3 * slotsPerRecord, 4 * slotsPerRecord - 1]);
    assert.match(record!.unreadable!.reason, /in Kafka's old format 1/);
  });

  test("of a record with millions of headers costs no memory for them, and is read", () => {
    const like = batch([event("?")], "gzip", 1);
    const many = holding(like, gzipSync(record(event("b"), 2_000_000)), 1);
    assert.ok(many.length < 16_384, `it is ${many.length} bytes small`);
    const fetched = Buffer.concat([batch([event("a")], "none", 0), many, batch([event("c")], "none", 2)]);
    const before = process.memoryUsage().heapUsed;
    const records = take(new Fetched(0, 0, { bytes: fetched, aborted: [] }));
    const made = process.memoryUsage().heapUsed - before;
    assert.deepEqual(idsOf(records), ["a", "b", "c"]);
    assert.ok(made < 16 << 20, `${made} bytes of objects`);
  });

  test("whose records are not what they say is one record that says so, and those around it are read", () => {
    for (const [bad, reason] of [
      [record(event("b"), 0, 1), "its record 0 is not as long as it says (81 bytes)"],
      [record(event("b"), 3).subarray(0, -1), "it is cut off"],
      [Buffer.alloc(20, 0xff), "a number in it does not end"],
    ] as const) {
      const middle = holding(batch([event("?")], "none", 1), bad, 1);
      const fetched = Buffer.concat([batch([event("a")], "none", 0), middle, batch([event("c")], "none", 2)]);
      const records = take(new Fetched(0, 0, { bytes: fetched, aborted: [] }));
      assert.deepEqual(idsOf(records), ["a", "c"]);
      assert.equal(records[1]!.unreadable!.reason, `the batch of the records 1 to 1 can't be read: ${reason}`);
    }
  });

  test("that is cut off is left to the next fetch; what is no batch is a failure, and not the end of the log", () => {
    const two = [batch([event("a")], "none", 0), batch([event("b")], "none", 1)];
    const bytes = Buffer.concat(two).subarray(0, two[0]!.length + 70);
    const fetched = new Fetched(0, 0, { bytes, aborted: [] });
    assert.deepEqual(idsOf(take(fetched)), ["a"]);
    assert.equal(fetched.next, undefined);
    assert.throws(() => new Fetched(0, 0, { bytes: Buffer.alloc(80), aborted: [] }), /no batch of records/);
  });

  test("behind much that is open waits, as it came, until it is asked for", () => {
    const large = event("large", "x".repeat(30_000));
    const batches = Array.from({ length: 30 }, (_, i) =>
      batch(
        Array.from({ length: 40 }, () => large),
        "zstd",
        40 * i,
      ),
    );
    const fetched = new Fetched(0, 0, { bytes: Buffer.concat(batches), aborted: [] });
    const takes: number[] = [];
    while (fetched.next !== undefined) {
      assert.equal(
        fetched.next,
        takes.reduce((sum, count) => sum + count, 0),
      );
      takes.push(take(fetched).length);
    }
    assert.deepEqual(takes, [560, 560, 80]);
  });
});
