import { type Reading, read, wrong } from "./reading.ts";
import type { RuleWindow, Span } from "./rule.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const secondsMax = 30 * unitSeconds["d"]!;
const right = 'a number and one of s, m, h, d, from "1s" to "30d", such as "10m"';

/** The seconds of a window size such as `10m`. */
export function parseWindowSize(text: string): Reading<number> {
  if (/^\d{1,3}(w|mo)$/.test(text)) return wrong(`calendar weeks and months are not available yet; take ${right}`);
  const match = /^([1-9]\d{0,7})([smhd])$/.exec(text);
  if (match === null) return wrong(`must be ${right}`);
  const seconds = Number(match[1]) * unitSeconds[match[2]!]!;
  return seconds <= secondsMax ? read(seconds) : wrong(`is longer than 30 days; must be ${right}`);
}

export const tumbling = (size: Span): RuleWindow => ({ kind: "tumbling", size, pane: size });

/** The seconds of a span; of a calendar unit the most that it can have. */
export function secondsMaxOf(span: Span): number {
  if (span.unit === "second") return span.count;
  return calendarSecondsMax[span.unit];
}

// With an hour more, for the day on which the clocks go back.
const calendarSecondsMax = { day: 25 * 3600, week: 7 * 86_400 + 3600, month: 31 * 86_400 + 3600 } as const;
