import type { Src } from "../../event/position.ts";
import type { RawPiece } from "../store.ts";
import type { RowShape } from "./connection.ts";

/** The rows that `encodeRawRows` writes. */
export const rawRows: RowShape = {
  table: "raw_events",
  columns: [
    { name: "src", type: "UInt16" },
    { name: "off", type: "UInt64" },
    { name: "received_at", type: "DateTime64(3, 'UTC')" },
    { name: "timestamp", type: "DateTime64(3, 'UTC')" },
    { name: "event_id", type: "String" },
    { name: "event_type", type: "String" },
    { name: "user_id", type: "String" },
    { name: "payload", type: "String" },
  ],
};

/** src UInt16, off UInt64, received_at Int64: what stands before a packed event in a raw row. */
const prefixBytes = 18;

/** The most bytes that the rows of `pieces` can take. */
export function rawRowsBytesMax(pieces: readonly RawPiece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.events.bytes.length + piece.events.count * prefixBytes, 0);
}

/**
 * Writes into `bytes` the raw rows of `pieces` in ClickHouse's RowBinary, in the columns of `rawRows`: the prefix, then the packed
 * event as it is (packed events are RowBinary already). Skipped events are left out. Answers the rows as a part of `bytes`.
 */
export function encodeRawRows(bytes: Buffer, src: Src, pieces: readonly RawPiece[]): { rows: number; bytes: Buffer } {
  let at = 0;
  let rows = 0;
  for (const piece of pieces) {
    const prefix = prefixOf(src, piece.receivedAt);
    const events = Buffer.from(piece.events.bytes.buffer, piece.events.bytes.byteOffset, piece.events.bytes.byteLength);
    let start = 0;
    for (let index = 0; index < piece.events.count; index++) {
      const end = piece.ends[index]!;
      if (piece.skip?.[index] !== 1) {
        at = encodeRow(bytes, at, prefix, piece.from + index, events, start, end);
        rows += 1;
      }
      start = end;
    }
  }
  return { rows, bytes: bytes.subarray(0, at) };
}

function prefixOf(src: Src, receivedAt: number): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt16LE(src, 0);
  prefix.writeBigInt64LE(BigInt(receivedAt), 10);
  return prefix;
}

/** One row at `at`; answers where the next begins. */
function encodeRow(
  target: Buffer,
  at: number,
  prefix: Buffer,
  off: number,
  events: Buffer,
  start: number,
  end: number,
): number {
  target.set(prefix, at);
  target.writeUInt32LE(off % 0x1_0000_0000, at + 2);
  target.writeUInt32LE(Math.floor(off / 0x1_0000_0000), at + 6);
  events.copy(target, at + prefixBytes, start, end);
  return at + prefixBytes + end - start;
}
