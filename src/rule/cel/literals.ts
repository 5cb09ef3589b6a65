import { parseTimestamp } from "../../lib/timestamp.ts";
import { type Reading, read, wrong } from "../reading.ts";
import type { Zone } from "./expression.ts";
import { zoneNamed } from "./zone-names.ts";

/** The times that CEL knows: the years 1 to 9999. */
export const timeRange = { min: Date.UTC(2000, 0, 1) - 63_082_281_600_000, max: Date.UTC(10_000, 0, 1) - 1 } as const;
// 10,000 years.
const durationMax = 315_576_000_000_000;

/** Milliseconds since the epoch of an RFC 3339 text. */
export function readTime(text: string): Reading<number> {
  const finer = /\.\d{3}\d*[1-9]/.test(text);
  const time = finer ? NaN : parseTimestamp(text);
  if (finer) return wrong("is finer than a millisecond, as no event's time is");
  if (Number.isNaN(time)) return wrong('is not a time such as "2026-01-31T12:00:00Z"');
  return time >= timeRange.min && time <= timeRange.max ? read(time) : wrong("is outside of the years 1 to 9999");
}

const unitNanoseconds: Readonly<Record<string, bigint>> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
};
const durationText = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:h|ms|m|s|us|µs|ns))+$/;

/** So many characters a duration may have, and so fewer digits behind a point. */
const placesMax = 64;
/** In nanoseconds with so many places. */
const millisecond = 1_000_000n * 10n ** BigInt(placesMax);

/** Milliseconds of a duration as CEL writes it: `1h30m`, `1.5s`, `-250ms`. */
export function readDuration(text: string): Reading<number> {
  if (text.length > placesMax || !durationText.test(text)) return wrong('is not a duration such as "1h30m" or "250ms"');
  let exact = 0n;
  for (const [, number, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    const [whole = "", part = ""] = number!.split(".");
    exact += BigInt(whole + part.padEnd(placesMax, "0")) * unitNanoseconds[unit!]!;
  }
  if (exact % millisecond !== 0n) return wrong("is finer than a millisecond, as no event's time is");
  const milliseconds = Number(exact / millisecond);
  if (milliseconds > durationMax) return wrong("is longer than 10,000 years");
  return read(text.startsWith("-") ? -milliseconds : milliseconds);
}

/** A time zone: a name such as `Europe/Berlin`, or an offset such as `+02:00`. */
export function readZone(text: string): Reading<Zone> {
  const offset = /^([+-]?)(\d\d):([0-5]\d)$/.exec(text);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return minutes < 24 * 60 ? read(offset[1] === "-" ? -minutes : minutes) : wrong("is no offset from UTC");
  }
  const name = zoneNamed(text);
  return name !== undefined ? read(name) : wrong('is not a time zone such as "Europe/Berlin" or "+02:00"');
}
