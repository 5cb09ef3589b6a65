import type { WeirError } from "../../src/lib/errors.ts";
import type { WireEvent } from "../faults/ledger.ts";
import type { Random } from "../support/random.ts";

const hourMs = 3_600_000;

/** In bounds whatever the clock says; each event at a time of its own from there. */
const known = [
  Date.parse("2024-02-29T23:59:30Z"),
  Date.parse("2025-03-30T00:59:59Z"),
  Date.parse("2025-10-26T00:59:59Z"),
  // Seconds for milliseconds.
  1_768_300_000,
  0,
];
/** Never in bounds: also microseconds and nanoseconds for milliseconds. */
const impossible = [
  ...["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59Z"],
  ...["-1", "253402300799000", "1768300000000000", "1768300000000000000"],
];

/** An odd time for the event of this number: of long ago, of what a clock ahead takes for now, out of bounds. */
export function oddTime(random: Random, now: number, index: number): string {
  const kind = random.int(5);
  if (kind === 0) return random.pick(impossible);
  if (kind === 1) return new Date(random.pick(known) + index).toISOString();
  // A day ahead, less or more by what a clock is set by, is taken or refused by the server's clock.
  const ahead = kind === 2 ? random.int(24 * hourMs) : 22 * hourMs + random.int(4 * hourMs);
  return new Date(Math.floor((now + ahead) / 1000) * 1000 + (index % 1000)).toISOString();
}

/** As it goes over the line: times of digits alone are numbers. */
export const sentForm = ({ timestamp, ...event }: WireEvent): object => ({
  ...event,
  timestamp: /^-?\d+$/.test(timestamp) ? Number(timestamp) : timestamp,
});

/** What was wrong with taking these events, by a clock that stood at `now`. */
export function* takenFindings(batch: readonly WireEvent[], now: number): Iterable<string> {
  for (const { event_id: id, timestamp } of batch)
    if (reasonFor(timestamp, now) !== undefined) yield `${id} of ${timestamp} was taken at ${now}`;
}

/** What was wrong with refusing them: an event is named if it is out of bounds, with the reason, and no other. */
export function* refusedFindings(batch: readonly WireEvent[], now: number, error: WeirError): Iterable<string> {
  const details = error.details as readonly { readonly path: string; readonly message: string }[];
  const told = new Map(details.map(({ path, message }) => [path, message]));
  for (const [index, { event_id: id, timestamp }] of batch.entries()) {
    const [reason, said] = [reasonFor(timestamp, now), told.get(`[${index}].timestamp`)];
    told.delete(`[${index}].timestamp`);
    if (reason === undefined ? said !== undefined : !said?.includes(reason))
      yield `${id} of ${timestamp} is answered "${said}" at ${now}, must be "${reason}"`;
  }
  for (const [path, message] of told) yield `${path} was refused, "${message}"`;
}

function reasonFor(timestamp: string, now: number): string | undefined {
  const at = Number.isNaN(Number(timestamp)) ? Date.parse(timestamp) : Number(timestamp);
  if (at < 0) return "is before 1970";
  return at > now + 24 * hourMs ? "is too far ahead" : undefined;
}
