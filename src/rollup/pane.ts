import { commonDivisor } from "../lib/divisor.ts";
import type { Span } from "../rule/rule.ts";
import type { Binder } from "./bindings.ts";
import type { PlanMember, PlanShape } from "./plan.ts";

/** The start of the pane that holds `at` (ms since the epoch), in seconds. */
export function startOf(span: Span, bindings: Binder): string {
  if (span.unit !== "second") return toSeconds(calendarStart(span, "toDateTime(intDiv(at, 1000), 'UTC')", bindings));
  const milliseconds = bindings.bind("pane", "Int64", span.count * 1000);
  return `toUInt32(intDiv(at, ${milliseconds}) * ${bindings.bind("seconds", "Int64", span.count)})`;
}

/** The start of the span that holds the moment `second`, both in seconds. */
export function startBefore(span: Span, second: string, bindings: Binder): string {
  if (span.unit !== "second")
    return `toInt64(${toSeconds(calendarStart(span, `toDateTime(${second}, 'UTC')`, bindings))})`;
  const seconds = bindings.bind("seconds", "Int64", span.count);
  return `(intDiv(${second}, ${seconds}) * ${seconds})`;
}

/** The end of the pane that starts at `start`, in seconds. */
export function endOf(span: Span, start: string, bindings: Binder): string {
  if (span.unit === "second") return `(${start} + ${bindings.bind("seconds", "Int64", span.count)})`;
  const inNext = `toDateTime(${start} + ${reachesNext[span.unit]}, 'UTC')`;
  return `toInt64(${toSeconds(calendarStart(span, inNext, bindings))})`;
}

/**
 * How late an event was received for the pane that starts at the column `start`, no finer than the shape needs: two events
 * of a pane with the same lateness are late for the same members. Seconds; see `lateFrom`.
 */
export function latenessOf(shape: PlanShape, start: string, bindings: Binder): string {
  const { pane } = shape;
  const step = latenessStep(shape);
  const most = bindings.bind("latest", "Int64", Math.max(...shape.members.map(lateFrom)));
  const stepMs = bindings.bind("pane", "Int64", step * 1000);
  const steps = (from: string): string => `intDiv(${from}, ${stepMs}) * ${bindings.bind("seconds", "Int64", step)}`;
  // From the start of the pane; what came within its first step is late for nobody, like what came before.
  if (pane.unit === "second") return `toUInt32(least(greatest(${steps("received")} - ${start}, 0), ${most}))`;
  const end = `${endOf(pane, start, bindings)} * 1000`;
  return `toUInt32(if(received < ${end}, 0, least(${steps(`received - ${end}`)} + 1, ${most})))`;
}

/**
 * From which lateness on an event is late for a member. For a pane of seconds it counts from the start of the member's
 * pane; for a calendar's, whose length differs, from its end, which is 1.
 */
export function lateFrom({ pane, latenessSeconds }: PlanMember): number {
  return pane.unit === "second" ? pane.count + latenessSeconds : latenessSeconds + 1;
}

/** Divides everything that decides who is late. */
export function latenessStep({ pane, members }: PlanShape): number {
  const lengths = members.map((member) => member.latenessSeconds);
  return lengths.reduce(commonDivisor, pane.unit === "second" ? pane.count : 0) || 3600;
}

/**
 * Seconds from the start of any unit to somewhere in the next one, whatever the clocks and the calendar do. The first week
 * of 1970 is a short one, so of a week no more than a few hours beyond.
 */
const reachesNext = { day: 36 * 3600, week: 7 * 86_400 + 3 * 3600, month: 40 * 86_400 } as const;

function calendarStart(span: Exclude<Span, { unit: "second" }>, moment: string, bindings: Binder): string {
  const zone = bindings.bind("zone", "String", span.timezone);
  if (span.unit === "day") return `toStartOfDay(${moment}, ${zone})`;
  const date = span.unit === "week" ? `toMonday(${moment}, ${zone})` : `toStartOfMonth(${moment}, ${zone})`;
  return `toDateTime(${date}, ${zone})`;
}

const toSeconds = (moment: string): string => `toUInt32(toUnixTimestamp(${moment}))`;
