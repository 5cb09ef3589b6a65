/**
 * What the windows of rules must be, by brute force from the wire form of rules and events. Shares no code with the rule
 * parser or the compiler: it reads windows and paths in its own way, and is right by being simple.
 */
import type { OracleEvent, OracleFilter, OracleReading, OracleResult, OracleRow, OracleRule } from "./model.ts";
import { compareGroups, homes } from "./overflow.ts";
import { chosen } from "./selection.ts";
import { earliestEnd, hopEnds, milliseconds, type OracleWindow, spanAround, windowsAround } from "./windows.ts";

/** The windows of each rule over all the events, in the order of the rules. The events are in the order of their positions. */
export function oracle(
  rules: readonly OracleRule[],
  events: readonly OracleEvent[],
  filters: readonly OracleFilter[] = [],
  ranges?: OracleReading["ranges"],
  now?: number,
): OracleResult[] {
  return rules.map((rule) => oracleReading({ rule, ranges, now }, events, filters));
}

/** The windows of one rule, read in this way. */
export function oracleReading(
  reading: OracleReading,
  events: readonly OracleEvent[],
  filters: readonly OracleFilter[] = [],
): OracleResult {
  const filter = filters.find(({ text }) => text === reading.rule.filter);
  return oneRule(reading, filter === undefined ? events : events.filter(filter.accepts));
}

interface Window {
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly group: readonly (string | null)[];
  readonly entered: Entered[];
}

interface Entered {
  readonly at: number;
  readonly value: unknown;
}

interface Entry extends Entered {
  readonly group: readonly (string | null)[];
}

function oneRule(reading: OracleReading, events: readonly OracleEvent[]): OracleResult {
  const { rule } = reading;
  const entries: Entry[] = [];
  const groupOf = groupsOf(reading, events);
  let [skipped, late] = [0, 0];
  for (const event of events) {
    const at = typeof event.timestamp === "number" ? event.timestamp : Date.parse(event.timestamp);
    const comesLate = isLate(rule, event);
    if (comesLate) late += 1;
    if (comesLate && rule.late_policy === "drop") continue;
    const value = enteringValue(rule, event);
    if (value === undefined) skipped += 1;
    else if (!hasEnded(reading, event)) entries.push({ at, value, group: groupOf(event) });
  }
  const grouped = entries.filter(({ group }) => group.length > 0);
  const groups = new Set(grouped.map(({ group }) => JSON.stringify(group))).size;
  const rows = windowsOf(reading, entries).map(({ entered, ...window }) => ({
    ...window,
    ...(entered.length === 0 ? { value: valueOfNothing(rule) } : finish(rule, entered, window)),
  }));
  return {
    rows: chosen(rule, rows.toSorted(byWindowThenGroup)),
    skipped,
    late,
    groups,
    ungrouped: entries.length - grouped.length,
  };
}

/** The group that an event is counted in. */
function groupsOf(reading: OracleReading, events: readonly OracleEvent[]): (event: OracleEvent) => Entry["group"] {
  const { rule } = reading;
  const own = (event: OracleEvent): Entry["group"] =>
    (rule.group_by ?? []).map((key) => scalarText(lookUp(event, key)));
  if (rule.max_groups === undefined) return own;
  const entering = (event: OracleEvent): boolean => enters(rule, event) && !hasEnded(reading, event);
  const grouped = events.map((event) => ({ event, group: own(event), enters: entering(event) }));
  const home = homes(grouped, rule.max_groups, reading.ranges ?? [events]);
  return (event) => home.get(event) ?? [];
}

function enters(rule: OracleRule, event: OracleEvent): boolean {
  return enteringValue(rule, event) !== undefined && !(isLate(rule, event) && rule.late_policy === "drop");
}

/** Under a bound of groups: all of the event's windows have ended longer ago than the rule keeps them. */
function hasEnded({ rule, now }: OracleReading, { timestamp }: OracleEvent): boolean {
  if (rule.max_groups === undefined || rule.retention === undefined || now === undefined) return false;
  const at = typeof timestamp === "number" ? timestamp : Date.parse(timestamp);
  const ended = now - milliseconds(rule.retention)!;
  return windowsAround(rule, at).every(({ end }) => end <= ended);
}

function isLate(rule: OracleRule, { timestamp, receivedAt }: OracleEvent): boolean {
  const at = typeof timestamp === "number" ? timestamp : Date.parse(timestamp);
  return receivedAt >= earliestEnd(rule, at) + (milliseconds(rule.allowed_lateness ?? "0s") ?? 0);
}

function windowsOf({ rule, step, fill }: OracleReading, entries: readonly Entry[]): readonly Window[] {
  const windows = new Map<string, Window>();
  const windowFor = ({ start, end }: OracleWindow, group: Window["group"]): Window => {
    const key = JSON.stringify([start, end, group]);
    const window = windows.get(key) ?? { windowStart: start, windowEnd: end, group, entered: [] };
    windows.set(key, window);
    return window;
  };
  for (const { group, ...entered } of entries)
    for (const window of windowsAround(rule, entered.at, step)) windowFor(window, group).entered.push(entered);
  const grows = step === undefined && rule.window_type === "cumulative";
  const begun = [...windows.values()].filter(
    (window) => !grows || window.windowEnd <= newestEnd(rule, window, entries),
  );
  if (fill === undefined) return begun;
  const within = begun.filter(({ windowStart: at }) => fill.from <= at && at < fill.until);
  const groups = new Set(within.map(({ group }) => JSON.stringify(group)));
  if ((rule.group_by ?? []).length === 0) groups.add("[]");
  const filled = windowsBetween(rule, step, fill).flatMap((window) =>
    [...groups].map((group) => windowFor(window, JSON.parse(group) as Window["group"])),
  );
  return [...new Set([...begun, ...filled])].filter(({ windowStart: at }) => fill.from <= at && at < fill.until);
}

/** A cumulative window has rows up to the hop that holds its newest event. */
function newestEnd(rule: OracleRule, { windowStart: start, windowEnd }: Window, entries: readonly Entry[]): number {
  const whole = spanAround(rule.window_size, rule.timezone, Math.max(start, windowEnd - 1));
  const times = entries.map(({ at }) => at).filter((at) => windowsAround(rule, at)[0]!.start === whole.start);
  const newest = times.reduce((a, b) => Math.max(a, b), -1);
  return hopEnds(rule, whole).find((end) => end > newest) ?? whole.end;
}

function windowsBetween(
  rule: OracleRule,
  step: string | undefined,
  { from, to }: { from: number; to: number },
): OracleWindow[] {
  const windows: OracleWindow[] = [];
  if (step === undefined && rule.hop !== undefined && rule.window_type !== "cumulative") {
    const [size, hop] = [milliseconds(rule.window_size)!, milliseconds(rule.hop)!];
    for (let start = Math.ceil(from / hop) * hop; start < to; start += hop) windows.push({ start, end: start + size });
    return windows;
  }
  for (let at = from; at < to;) {
    const whole = spanAround(step ?? rule.window_size, rule.timezone, at);
    const grows = step === undefined && rule.window_type === "cumulative";
    const ends = grows ? hopEnds(rule, whole) : [whole.end];
    const begun = ends.filter((_, index) => !grows || (index === 0 ? whole.start : ends[index - 1]!) < to);
    if (whole.start >= from) windows.push(...begun.map((end) => ({ start: whole.start, end })));
    at = Math.max(whole.end, at + 1);
  }
  return windows;
}

function valueOfNothing({ metric }: OracleRule): unknown {
  if (metric === "top_k") return new Map();
  const zeros = ["count", "event_count", "active_users", "rate", "sum", "uniq", "uniq_exact"];
  return zeros.includes(metric) ? 0 : null;
}

/** What of the event enters the metric; undefined when the event is skipped. */
function enteringValue(rule: OracleRule, event: OracleEvent): unknown {
  switch (rule.metric) {
    case "count":
    case "event_count":
    case "rate":
      return true;
    case "active_users":
      return String(event.user_id);
    case "uniq":
    case "uniq_exact":
    case "top_k":
      return scalarText(lookUp(event, rule.field ?? "")) ?? undefined;
    case "first":
    case "last": {
      const value = lookUp(event, rule.field ?? "");
      return scalarText(value) === null ? undefined : value;
    }
    default: {
      const value = lookUp(event, rule.field ?? "");
      if (typeof value !== "number") return undefined;
      return rule.decimals === undefined ? value : asDecimal(value, rule.decimals);
    }
  }
}

function finish(
  rule: OracleRule,
  entered: readonly Entered[],
  { windowStart, windowEnd }: Omit<Window, "entered">,
): Pick<OracleRow, "value" | "near" | "slack"> {
  const values = entered.map(({ value }) => value);
  const { metric } = rule;
  if (/^p\d/.test(metric)) return { value: null, near: quantile(values.map(Number), metric) };
  if (metric === "first") return { value: values[indexOfLeast(entered, 1)] };
  if (metric === "last") return { value: values[indexOfLeast(entered, -1)] };
  if (metric === "top_k") return { value: countsOf(values) };
  if (metric === "rate") return { value: (entered.length * 1000) / (windowEnd - windowStart) };
  if (rule.decimals !== undefined) return { value: finishExactly(metric, values.map(toBigInt)) };
  const value = finishNumber(metric, values);
  return metric === "sum" || metric === "avg" ? inAnyOrder(value, metric, values.map(Number)) : { value };
}

/** A sum or mean is off by what is added, not by what is left when it cancels out. Beyond all doubles it is null. */
function inAnyOrder(value: number, metric: string, numbers: readonly number[]): Pick<OracleRow, "value" | "slack"> {
  const added = numbers.reduce((total, number) => total + Math.abs(number), 0);
  if (Number.isFinite(added)) return { value, slack: (added * 1e-14) / (metric === "avg" ? numbers.length : 1) };
  // Of numbers of both signs it depends on the order whether they ever are beyond.
  const hasBothSigns = numbers.some((number) => number < 0) && numbers.some((number) => number > 0);
  return hasBothSigns ? { value: 0, slack: Infinity } : { value: null };
}

function finishNumber(metric: string, entered: readonly unknown[]): number {
  const numbers = entered.map(Number);
  const sum = numbers.reduce((total, value) => total + value, 0);
  switch (metric) {
    case "count":
    case "event_count":
      return entered.length;
    case "active_users":
    case "uniq":
    case "uniq_exact":
      return new Set(entered).size;
    case "sum":
      return sum;
    case "avg":
      return sum / entered.length;
    case "min":
      return numbers.reduce((least, value) => (value < least ? value : least));
    case "max":
      return numbers.reduce((most, value) => (value > most ? value : most));
    default:
      throw new RangeError(`the oracle knows no metric ${metric}`);
  }
}

/** Decimals are whole numbers of 10^-30. */
const unit = 10n ** 30n;

const toBigInt = (value: unknown): bigint => (typeof value === "bigint" ? value : 0n);

/** The double nearest to the exact result. */
function finishExactly(metric: string, values: readonly bigint[]): number {
  const sum = values.reduce((total, value) => total + value, 0n);
  switch (metric) {
    case "sum":
      return nearest(sum);
    case "avg":
      return nearest(sum, BigInt(values.length));
    case "min":
      return nearest(values.reduce((least, value) => (value < least ? value : least)));
    case "max":
      return nearest(values.reduce((most, value) => (value > most ? value : most)));
    default:
      throw new RangeError(`the oracle knows no exact ${metric}`);
  }
}

/** By so many digits that what is cut off decides nothing. */
function nearest(value: bigint, divisor = 1n): number {
  const places = 130;
  const quotient = ((value < 0n ? -value : value) * 10n ** BigInt(places - 30)) / divisor;
  const digits = quotient.toString().padStart(places + 1, "0");
  return Number(`${value < 0n ? "-" : ""}${digits.slice(0, -places)}.${digits.slice(-places)}`);
}

/** The number with so many places, half away from zero; undefined when it has more than 46 digits before the point. */
function asDecimal(value: number, places: number): bigint | undefined {
  if (Math.abs(value) >= 1e46) return undefined;
  const [, sign = "", whole = "0", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const shift = 30 - fraction.length + Number(power);
  const digits = BigInt(whole + fraction);
  const scaled = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  const step = unit / 10n ** BigInt(places);
  const rounded = ((scaled + step / 2n) / step) * step;
  return sign === "-" ? -rounded : rounded;
}

function indexOfLeast(entered: readonly Entered[], sign: 1 | -1): number {
  let best = 0;
  for (const [index, { at }] of entered.entries()) {
    const difference = (at - entered[best]!.at) * sign;
    // Of equal times the first position is the first, and the last one the last.
    if (difference < 0 || (difference === 0 && sign === -1)) best = index;
  }
  return best;
}

function countsOf(values: readonly unknown[]): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** The number at the place ⌊level · (n − 1)⌋, which is asked in whole numbers: levels are thousandths. */
function quantile(numbers: readonly number[], metric: string): number {
  const thousandths = Math.round(Number(metric.slice(1)) * 10);
  const place = (BigInt(thousandths) * BigInt(numbers.length - 1)) / 1000n;
  return numbers.toSorted((a, b) => a - b)[Number(place)]!;
}

function lookUp(event: OracleEvent, field: string): unknown {
  if (field === "event_type") return event.event_type;
  if (field === "user_id") return String(event.user_id);
  let value: unknown = event.payload ?? {};
  for (const key of pathKeys(field)) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
      return undefined;
    value = Object.entries(value).find(([name]) => name === key)?.[1];
  }
  return value;
}

/** The keys behind `payload`: `.key` up to the next dot or bracket, `["key"]` as a JSON string. */
function pathKeys(field: string): string[] {
  const keys: string[] = [];
  let rest = field.slice("payload".length);
  while (rest !== "") {
    if (rest.startsWith(".")) {
      const end = rest.slice(1).search(/[.[]/);
      const key = end === -1 ? rest.slice(1) : rest.slice(1, end + 1);
      keys.push(key);
      rest = rest.slice(key.length + 1);
    } else {
      // The shortest piece that is a JSON string and is followed by a bracket.
      let end = 1;
      while (keyOf(rest.slice(1, end)) === undefined || rest[end] !== "]") end += 1;
      keys.push(keyOf(rest.slice(1, end)) ?? "");
      rest = rest.slice(end + 1);
    }
  }
  return keys;
}

function keyOf(json: string): string | undefined {
  try {
    const key: unknown = JSON.parse(json);
    return typeof key === "string" ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a scalar as a group value; null for everything else. A number is written as `1e21`, without the plus. */
function scalarText(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return String(value).replace("e+", "e");
  return null;
}

function byWindowThenGroup(a: OracleRow, b: OracleRow): number {
  if (a.windowStart !== b.windowStart) return b.windowStart - a.windowStart;
  if (a.windowEnd !== b.windowEnd) return b.windowEnd - a.windowEnd;
  return compareGroups(a.group, b.group);
}
