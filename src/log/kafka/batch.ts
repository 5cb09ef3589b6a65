import { crc32c } from "@platformatic/kafka";
import { messageOf } from "../../lib/errors.ts";
import { TooLarge, codecs, decompress } from "./decompress.ts";
import type { Codec } from "./decompress.ts";
import { recordsIn } from "./records.ts";
import type { BatchRecord } from "./records.ts";

/** What a batch says of itself, which can be read without opening it. */
export interface BatchHead {
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  /** Of the leader that took it: grows with each election. -1: not known. */
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
}

export interface Batch extends BatchHead {
  /** As it lies in the log, head included. */
  readonly bytes: Buffer;
}

/** Far more than clients put into a batch; a larger one is a mistake, or an attack on our memory. */
export const batchBounds = { bytesMax: 64 << 20, recordsMax: 200_000 } as const;

const lengthAt = 8;
const headBytes = 12;
const leaderEpochAt = 12;
const magicAt = 16;
const crcAt = 17;
const attributesAt = 21;
const countAt = 57;
const recordsAt = 61;
const ours = 2;

/** The batches in what was fetched. The last one may be cut off: the next fetch brings it. */
export function* batchesIn(bytes: Buffer): Generator<Batch, void, undefined> {
  for (let at = 0; bytes.length - at > magicAt;) {
    const end = at + headBytes + bytes.readInt32BE(at + lengthAt);
    if (end > bytes.length || end <= at + magicAt) return;
    yield batchOf(bytes.subarray(at, end));
    at = end;
  }
}

function batchOf(bytes: Buffer): Batch {
  const firstOffset = bytes.readBigInt64BE(0);
  if (bytes.readInt8(magicAt) !== ours || bytes.length < recordsAt)
    return { bytes, firstOffset, ...{ lastOffsetDelta: 0, attributes: 0, producerId: -1n }, ...unknown };
  return {
    bytes,
    firstOffset,
    leaderEpoch: bytes.readInt32BE(leaderEpochAt),
    attributes: bytes.readInt16BE(attributesAt),
    lastOffsetDelta: bytes.readInt32BE(23),
    firstTimestamp: bytes.readBigInt64BE(27),
    maxTimestamp: bytes.readBigInt64BE(35),
    producerId: bytes.readBigInt64BE(43),
  };
}

/** Of offsets of transactions and the like, not of records. */
export const isControl = ({ attributes }: BatchHead): boolean => (attributes & 0x20) !== 0;

/** Offsets of records, both included. */
export function placeOf({ firstOffset, lastOffsetDelta }: BatchHead): { readonly from: number; readonly to: number } {
  return { from: Number(firstOffset), to: Number(firstOffset) + lastOffsetDelta };
}

const unknown = { leaderEpoch: -1, firstTimestamp: -1n, maxTimestamp: -1n };

/** Its records; or why nobody can have them, though the broker holds what the producer sent. */
export type Opened = { readonly records: readonly BatchRecord[]; readonly bytes: number } | Unopened;
type Unopened = { readonly why: string };

/**
 * Opens a batch, within bounds: what is beyond them, or can't be opened, is what its producer wrote.
 * @throws DamagedBatch when it is not what the producer wrote.
 */
export function openBatch(batch: Batch, bounds: { bytesMax: number; recordsMax: number } = batchBounds): Opened {
  const { bytes } = batch;
  const magic = bytes.readInt8(magicAt);
  if (magic !== ours) return { why: `is in Kafka's old format ${magic}; its producer must be newer than Kafka 0.10` };
  const codec = codecs[batch.attributes & 7];
  mustBeWhole(batch);
  if (codec === undefined) return { why: `is compressed in a way that is not known (${batch.attributes & 7})` };
  const count = bytes.readInt32BE(countAt);
  if (count > bounds.recordsMax)
    return { why: `has ${count} records, at most ${bounds.recordsMax} can be; ${smaller}` };
  const plain = plainOf(codec, bytes.subarray(recordsAt), bounds.bytesMax);
  return "why" in plain ? plain : read(plain, count);
}

const smaller = "have the producer send smaller batches (batch.size)";

function plainOf(codec: Codec, bytes: Buffer, bytesMax: number): Buffer | Unopened {
  try {
    return decompress(codec, bytes, bytesMax);
  } catch (error) {
    if (error instanceof TooLarge)
      return { why: `is larger than ${bytesMax} bytes when decompressed (${codec}); ${smaller}` };
    return { why: `can't be decompressed (${codec}): ${messageOf(error).slice(0, 200)}` };
  }
}

function read(plain: Buffer, count: number): Opened {
  try {
    return { records: recordsIn(plain, count), bytes: plain.length };
  } catch (error) {
    return { why: `can't be read: ${messageOf(error).slice(0, 200)}` };
  }
}

/** The bytes of a batch are others than those that its producer has sent. */
export class DamagedBatch extends Error {}

function mustBeWhole({ bytes }: Batch): void {
  if (crc32c(bytes.subarray(attributesAt)) >>> 0 === bytes.readUInt32BE(crcAt)) return;
  throw new DamagedBatch("its checksum is not that of its bytes");
}
