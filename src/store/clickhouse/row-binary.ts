import { walkPacked } from "../../event/packed.ts";
import type { Src } from "../../event/position.ts";
import type { RawPiece } from "../store.ts";
import type { RowShape } from "./insert-rows.ts";

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
 * Writes into `bytes` the raw rows of `pieces`, a step for each of them, in ClickHouse's RowBinary, in the columns of `rawRows`: the prefix, then the packed
 * event as it is (packed events are RowBinary already). Skipped events are left out. Answers the rows as a part of `bytes`.
 */
export function* encodeRawRows(
  bytes: Buffer,
  src: Src,
  pieces: readonly RawPiece[],
): Generator<undefined, { rows: number; bytes: Buffer }, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let rows = 0;
  for (const { from, receivedAt, events, ends, skip } of pieces) {
    // Copied by a buffer: a view of each event would be nearly a third of all garbage.
    const packed = Buffer.from(events.bytes.buffer, events.bytes.byteOffset, events.bytes.byteLength);
    let start = 0;
    for (let index = 0; index < events.count; index++) {
      const end = ends[index]!;
      if (!skip?.[index]) {
        writePrefix(view, at, src, from + index, receivedAt);
        packed.copy(bytes, at + prefixBytes, start, end);
        at += prefixBytes + end - start;
        rows += 1;
      }
      start = end;
    }
    yield;
  }
  return { rows, bytes: bytes.subarray(0, at) };
}

/** Whether all events that are not left out fall into one month, by which the table is partitioned. */
export function areOfOneMonth(pieces: readonly RawPiece[]): boolean {
  const months = new Set<string>();
  for (const { events, skip } of pieces) {
    walkPacked(events, ({ timestamp }, index) => {
      if (!skip?.[index]) months.add(new Date(timestamp).toISOString().slice(0, -17));
    });
  }
  return months.size <= 1;
}

/** Halves of 32 bits, which cost a fraction of big integers. */
const half = 0x1_0000_0000;

function writePrefix(view: DataView, at: number, src: Src, off: number, receivedAt: number): void {
  view.setUint16(at, src, true);
  view.setUint32(at + 2, off % half, true);
  view.setUint32(at + 6, off / half, true);
  view.setUint32(at + 10, receivedAt % half, true);
  view.setUint32(at + 14, receivedAt / half, true);
}
