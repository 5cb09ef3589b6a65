import { commonDivisor } from "../lib/divisor.ts";
import { type EngineClocks, engineZones } from "./engine-zones.ts";
import type { Span } from "./rule.ts";

/** A span of the calendar; those of seconds are plain arithmetic. */
type CalendarSpan = Exclude<Span, { readonly unit: "second" }>;

/**
 * The start (ms since the epoch) of the span that holds the moment `ms`: what the engine stores as the start of a pane.
 * Spans of seconds are counted from the epoch, weeks begin on Monday, days at midnight in their zone.
 *
 * The engine knows no start before the epoch. What begins earlier begins, by it, at the zone's first midnight behind the
 * epoch, also for moments before that midnight: the first hours of 1970 are counted in the day that follows. Where its
 * data on time zones is older than Node's, in six of them, `engineZones` has its clocks. In everything else the two agree.
 */
export function startOfSpan(span: Span, ms: number): number {
  const at = Math.max(ms, 0);
  if (span.unit === "second") return at - (at % (span.count * 1000));
  const zone = zoneOf(span.timezone);
  return zone.startOfDay(Math.max(firstDay(span, zone.dayOf(at)), zone.earliestDay));
}

/** The end of the span that starts at `startMs`, which is the start of the next one (ms since the epoch). */
export function endOfSpan(span: Span, startMs: number): number {
  if (span.unit === "second") return startMs + span.count * 1000;
  const zone = zoneOf(span.timezone);
  return zone.startOfDay(firstDayOfNext(span, zone.dayOf(startMs)));
}

/** Seconds that divide everything by which the beginnings of a zone's days lie off UTC's midnights; 0 when they don't. */
export function grainOf(timezone: string): number {
  return zoneOf(timezone).grain;
}

const dayMs = 86_400_000;
/** Days are counted from 1970-01-01, a Thursday. */
const mondayBefore = (day: number): number => day - ((((day + 3) % 7) + 7) % 7);

function firstDay({ unit }: CalendarSpan, day: number): number {
  if (unit === "day") return day;
  return unit === "week" ? mondayBefore(day) : firstOfMonth(day, 0);
}

function firstDayOfNext({ unit }: CalendarSpan, day: number): number {
  if (unit === "day") return day + 1;
  return unit === "week" ? mondayBefore(day) + 7 : firstOfMonth(day, 1);
}

function firstOfMonth(day: number, monthsOn: number): number {
  const date = new Date(day * dayMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + monthsOn) / dayMs;
}

const zones = new Map<string, ZoneDays>();

/** There are no more of them than names of zones. */
function zoneOf(name: string): ZoneDays {
  let zone = zones.get(name);
  if (zone === undefined) zones.set(name, (zone = new ZoneDays(name)));
  return zone;
}

/** How many starts of days a zone remembers. */
const startsMax = 2000;

/** The days of a time zone. */
class ZoneDays {
  readonly #name: string;
  readonly #engineClocks: readonly EngineClocks[];
  readonly #starts = new Map<number, number>();
  #grain: number | undefined;

  constructor(name: string) {
    this.#name = name;
    this.#engineClocks = Object.hasOwn(engineZones, name) ? engineZones[name]! : [];
  }

  /** The first day that begins at the epoch or later. */
  get earliestDay(): number {
    return this.startOfDay(0) >= 0 ? 0 : 1;
  }

  /** See `grainOf`. No zone has kept a time for less than the step. */
  get grain(): number {
    return (this.#grain ??= Array.from({ length: 70 * 36 }, (_, index) => this.#offset(index * 10 * dayMs)).reduce(
      (grain, offset) => commonDivisor(Math.abs(offset) / 1000, grain),
      0,
    ));
  }

  /** The day that holds a moment. Of days that were left out the last, so that it has a length. */
  dayOf(ms: number): number {
    // Local time is less than a day from UTC: a step or two.
    let day = Math.floor(ms / dayMs);
    while (this.startOfDay(day) > ms) day -= 1;
    while (this.startOfDay(day + 1) <= ms) day += 1;
    return day;
  }

  /** When a day begins, in ms since the epoch. */
  startOfDay(day: number): number {
    const known = this.#starts.get(day);
    if (known !== undefined) return known;
    const start = this.#midnight(day * dayMs);
    if (this.#starts.size >= startsMax) this.#starts.clear();
    this.#starts.set(day, start);
    return start;
  }

  /**
   * The moment at which clocks show `local`, a midnight (in ms as if it were UTC's). Where it is skipped: when it would have
   * been by the old clock. Where it comes twice: the first, but the second if some of the day before comes again in between.
   */
  #midnight(local: number): number {
    // Offsets are from -12 to +14 hours, and clocks are not set twice within the 28 hours between.
    const before = this.#offset(local - 15 * 3_600_000);
    const after = this.#offset(local + 13 * 3_600_000);
    const [byOld, byNew] = [local - before, local - after];
    if (before === after) return byOld;
    const setLongSince = this.#offset(byNew - 1000) === after;
    const setJustNow = this.#offset(byNew) === after && this.#offset(byOld) !== before;
    return setLongSince || setJustNow ? byNew : byOld;
  }

  /** Local time minus UTC, in milliseconds. */
  #offset(ms: number): number {
    const name = this.#engineClocks.findLast(({ since }) => since <= ms)?.like ?? this.#name;
    const [, sign, hours, minutes, seconds] = offsetText.exec(clocksOf(name).format(ms)) ?? [];
    if (hours === undefined) return 0;
    const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0);
    return (sign === "-" ? -total : total) * 1000;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

function clocksOf(timezone: string): Intl.DateTimeFormat {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
    formats.set(timezone, format);
  }
  return format;
}

/** At the end of a formatted time: `GMT+05:30`, `GMT-00:44:30`; nothing behind `GMT` is no offset. */
const offsetText = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/;
