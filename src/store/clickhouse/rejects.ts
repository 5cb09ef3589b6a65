import type { Offset, Src } from "../../event/position.ts";
import { pack } from "../../event/packed.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Position, RejectQuery, RejectedEvent } from "../rejects.ts";
import type { RowShape } from "./insert-rows.ts";

/**
 * The rows of `rejects`: a position and times as plain integers and the rest as texts, so that no value of an event can be
 * a reason to refuse it here too.
 */
export const rejectRows: RowShape = {
  table: "rejects",
  columns: [
    { name: "src", type: "UInt16" },
    { name: "off", type: "UInt64" },
    { name: "received_ms", type: "Int64" },
    { name: "timestamp_ms", type: "Int64" },
    { name: "event_id", type: "String" },
    { name: "event_type", type: "String" },
    { name: "user_id", type: "String" },
    { name: "payload", type: "String" },
    { name: "rejected_ms", type: "Int64" },
    { name: "reason", type: "String" },
  ],
};

/** In RowBinary; what stands between the position and the end is an event as it is packed. */
export const encodeRejects = (events: readonly RejectedEvent[]): Buffer => Buffer.concat(events.flatMap(encodeReject));

function encodeReject(event: RejectedEvent): Uint8Array[] {
  const { src, off, receivedAt, rejectedAt, reason, ...packed } = event;
  const head = Buffer.alloc(18);
  head.writeUInt16LE(src, 0);
  head.writeBigUInt64LE(BigInt(off), 2);
  head.writeBigInt64LE(BigInt(receivedAt), 10);
  const at = Buffer.alloc(8);
  at.writeBigInt64LE(BigInt(rejectedAt));
  const text = Buffer.from(reason.slice(0, reasonCharsMax), "latin1");
  return [head, pack([packed]).bytes, at, Buffer.from([text.length]), text];
}

/** Its length then fits into one byte. */
const reasonCharsMax = 120;

export function selectRejectedOffsets(src: Src, from: Offset): Statement {
  return {
    sql: "SELECT off FROM rejects WHERE src = {src:UInt16} AND off >= {from:UInt64}",
    parameters: { src, from },
  };
}

export function selectRejects({ limit, behind }: RejectQuery): Statement {
  const where =
    behind === undefined
      ? ""
      : "WHERE (rejected_ms, src, off) < ({behind_at:Int64}, {behind_src:UInt16}, {behind_off:UInt64})";
  const place =
    behind === undefined ? {} : { behind_at: behind.rejectedAt, behind_src: behind.src, behind_off: behind.off };
  return {
    sql: `SELECT src, off, received_ms AS receivedAt, timestamp_ms AS timestamp, event_id, event_type, user_id, payload,
      rejected_ms AS rejectedAt, reason FROM rejects ${where}
      ORDER BY rejected_ms DESC, src DESC, off DESC LIMIT {limit:UInt32}`,
    parameters: { limit, ...place },
  };
}

/** Without a subquery, which a replicated table refuses in a deletion. */
const isNamed = "(src, off) IN arrayZip({srcs:Array(UInt16)}, {offs:Array(UInt64)})";

const named = (positions: readonly Position[]): Readonly<Record<string, unknown>> => ({
  srcs: positions.map(({ src }) => src),
  offs: positions.map(({ off }) => off),
});

export function countRejects(positions: readonly Position[]): Statement {
  return { sql: `SELECT toUInt32(count()) AS found FROM rejects WHERE ${isNamed}`, parameters: named(positions) };
}

export function deleteRejects(positions: readonly Position[]): Statement {
  return {
    sql: `DELETE FROM rejects WHERE ${isNamed} SETTINGS lightweight_deletes_sync = 2`,
    parameters: named(positions),
  };
}
