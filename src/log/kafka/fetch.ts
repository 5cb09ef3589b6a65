import { ResponseError, createAPI, fetchV13 } from "@platformatic/kafka";
import type { Connection, Reader } from "@platformatic/kafka";

/** What one fetch from one partition has brought: batches as they lie in the log, not opened. */
export interface FetchedBytes {
  readonly bytes: Buffer;
  readonly aborted: readonly AbortedTransaction[];
}

/** A broker's answer about one partition. */
export interface FetchAnswer extends FetchedBytes {
  /** The records below it are the partition's for good. Those of them behind an open transaction are not given yet. */
  readonly end: number;
  /** What was read from this record on was replaced: it was lost with its leader, and others have its offsets. */
  readonly replacedFrom?: number;
}

/** The broker has not looked: it is asked more than it lets this client ask, and wants to be asked again later. */
export interface PutOff {
  readonly putOffMs: number;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface FetchRequest {
  readonly topicId: string;
  readonly partition: number;
  readonly from: number;
  /** Under which leader the record before it was written, so that the broker says when it has not got that one; -1: not known. */
  readonly leaderEpoch: number;
  readonly bytesMax: number;
  readonly waitMs: number;
}

const readCommitted = 1;
/** No session: each fetch says all that it wants. */
const noSession = -1;

/**
 * Fetches from the leader. The client's own fetch would decompress whatever comes, however much it becomes, and fail as a
 * whole when one batch can't be read.
 */
export function fetchBytes(leader: Connection, request: FetchRequest): Promise<FetchAnswer | PutOff> {
  const { topicId, partition, from, leaderEpoch, bytesMax, waitMs } = request;
  const epochs = { currentLeaderEpoch: -1, lastFetchedEpoch: leaderEpoch };
  const asked = { partition, fetchOffset: BigInt(from), partitionMaxBytes: bytesMax, ...epochs };
  const topics = [{ topicId, partitions: [asked] }];
  return api.async(leader, waitMs, 1, bytesMax, readCommitted, 0, noSession, topics, [], "");
}

/** How long to wait before the broker is asked again, ms. */
export const afterPutOff = ({ putOffMs }: PutOff): number => Math.max(putOffLeastMs, putOffMs);

const putOffLeastMs = 50;

/** The one with ids of topics in it: brokers have it since 3.1. */
export const fetchCall = { apiKey: 1, version: 13 };
const api = createAPI<fetchV13.FetchRequest, FetchAnswer | PutOff>(
  fetchCall.apiKey,
  fetchCall.version,
  fetchV13.createRequest,
  parseAnswer,
);

/** Of an answer about one partition, which is all that is asked for. */
export function parseAnswer(_: number, apiKey: number, version: number, reader: Reader): FetchAnswer | PutOff {
  const putOffMs = reader.readInt32();
  mustBeWell(reader.readInt16(), apiKey, version);
  reader.readInt32();
  const topics = reader.readUnsignedVarInt() - 1;
  if (topics < 1) return { putOffMs };
  reader.readUUID();
  const partitions = reader.readUnsignedVarInt() - 1;
  if (partitions < 1) return { putOffMs };
  reader.readInt32();
  mustBeWell(reader.readInt16(), apiKey, version);
  const end = Number(reader.readInt64());
  for (let mark = 0; mark < 2; mark++) reader.readInt64();
  const aborted = reader.readNullableArray((each) => ({
    producerId: each.readInt64(),
    firstOffset: each.readInt64(),
  }));
  reader.readInt32();
  const size = Math.max(0, reader.readUnsignedVarInt() - 1);
  // A copy: what the connection has received is its own again.
  const bytes = Buffer.from(reader.buffer.slice(reader.position, reader.position + size));
  reader.skip(size);
  return { bytes, aborted: aborted ?? [], end, ...divergence(reader) };
}

const divergingEpoch = 0;

/** What stands in the tagged fields behind the records of where the broker's log leaves the one that was read. */
function divergence(reader: Reader): Pick<FetchAnswer, "replacedFrom"> {
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    const [tag, size] = [reader.readUnsignedVarInt(), reader.readUnsignedVarInt()];
    const end = reader.position + size;
    const isEpoch = tag === divergingEpoch && reader.readInt32() >= 0;
    if (isEpoch) return { replacedFrom: Number(reader.readInt64()) };
    reader.position = end;
  }
  return {};
}

function mustBeWell(code: number, apiKey: number, version: number): void {
  if (code !== 0) throw new ResponseError(apiKey, version, { "": [code, null] }, undefined);
}
