import { type Reading, read, wrong } from "./reading.ts";
import type { RuleWindow, Span } from "./rule.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const grammar = (least: string, days: number): string =>
  `a number and one of s, m, h, d, from "${least}" to "${days}d", such as "10m"`;

/** The seconds of a duration from `1s` to `30d`, or another most, such as `10m`; with a `least` of `0s` also of none. */
export function parseDuration(text: string, least: "0s" | "1s", most: "30d" | "3650d" = "30d"): Reading<number> {
  if (text === least && least === "0s") return read(0);
  const days = Number.parseInt(most, 10);
  const right = grammar(least, days);
  const match = /^([1-9]\d{0,8})([smhd])$/.exec(text);
  if (match === null) return wrong(`must be ${right}`);
  const seconds = Number(match[1]) * unitSeconds[match[2]!]!;
  return seconds <= days * unitSeconds["d"]! ? read(seconds) : wrong(`is longer than ${days} days; must be ${right}`);
}

/** The calendar windows, by their text. */
const calendarUnits = { "1d": "day", "1w": "week", "1mo": "month" } as const;

/** The span of a window size in a time zone. Without one, which is UTC, a day is a span of seconds like others. */
export function parseWindowSize(text: string, timezone: string): Reading<Span> {
  const unit = isCalendarSize(text) ? calendarUnits[text] : undefined;
  if (unit !== undefined && !(unit === "day" && timezone === "UTC")) return read({ unit, timezone });
  const units = /^(\d{1,3})(w|mo)$/.exec(text);
  if (units !== null) return wrong(severalUnits(Number(units[1]), units[2]!));
  const seconds = parseDuration(text, "1s");
  if (seconds.ok) return read({ unit: "second", count: seconds.value });
  return wrong(`${seconds.message}; or a calendar's "1w" or "1mo"`);
}

/** Whether windows of this size follow the clocks of a time zone. */
export function isCalendarSize(text: string): text is keyof typeof calendarUnits {
  return Object.hasOwn(calendarUnits, text);
}

function severalUnits(count: number, unit: string): string {
  const calendar = 'must be "1w" or "1mo" when it is the calendar\'s';
  const days = count * 7;
  const inDays = unit === "w" && days > 0 && days <= 30 ? `"${days}d"` : 'days, up to "30d"';
  return `${calendar}; for other lengths take ${inDays}, counted from the epoch`;
}

export const tumbling = (size: Span): RuleWindow => ({ kind: "tumbling", size, pane: size });

/** The seconds of a span; of a calendar unit the most that it can have. */
export function secondsMaxOf(span: Span): number {
  if (span.unit === "second") return span.count;
  // An hour more is for the day on which the clocks go back; those of UTC never do.
  return calendarDaysMax[span.unit] * 86_400 + (span.timezone === "UTC" ? 0 : 3600);
}

const calendarDaysMax = { day: 1, week: 7, month: 31 } as const;

/** The seconds in the largest unit that they are whole in: `90m`. */
export function formatDuration(seconds: number): string {
  const [unit, length] = Object.entries(unitSeconds).findLast(([, each]) => seconds % each === 0) ?? ["s", 1];
  return `${seconds / length}${unit}`;
}
