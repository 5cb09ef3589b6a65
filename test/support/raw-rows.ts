import type { OracleEvent } from "../oracle/model.ts";

/** A row of `raw_events` for the engine's JSON reader, as ingest would have written the event at this position. */
export function rawRow(event: OracleEvent, src: number, off: number): object {
  return {
    src,
    off,
    received_at: dateTime(event.receivedAt),
    timestamp: dateTime(Number(event.timestamp)),
    event_id: event.event_id,
    event_type: event.event_type,
    user_id: String(event.user_id),
    payload: canonical(event.payload ?? {}),
  };
}

/** As ingest writes it: an integer that leaves 64 bits gets an exponent, or the engine would refuse the whole document. */
export function canonical(value: unknown): string {
  if (typeof value === "number" && Math.abs(value) >= 2 ** 53) return value.toExponential();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  return `{${Object.entries(value)
    .map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`)
    .join(",")}}`;
}

/** As the engine reads a DateTime64 in JSON. */
const dateTime = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace("T", " ");
