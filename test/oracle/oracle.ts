/**
 * What the windows of rules must be, by brute force from the wire form of rules and events. Shares no code with the rule
 * parser or the compiler: it reads windows and paths in its own way, and is right by being simple.
 */

export interface OracleRule {
  readonly rule_id: string;
  readonly window_size: string;
  readonly metric: string;
  readonly field?: string | undefined;
  readonly group_by?: readonly string[] | undefined;
  readonly decimals?: number | undefined;
  readonly filter?: string | undefined;
  readonly allowed_lateness?: string | undefined;
  readonly late_policy?: string | undefined;
}

/** A filter's text with what it means. */
export interface OracleFilter {
  readonly text: string;
  readonly accepts: (event: OracleEvent) => boolean;
}

/** A counted event: accepted, not a repeat. */
export interface OracleEvent {
  readonly event_id: string;
  readonly event_type: string;
  readonly user_id: string | number;
  /** RFC 3339 or milliseconds. */
  readonly timestamp: string | number;
  readonly payload?: Readonly<Record<string, unknown>>;
  /** When the server took it, ms since the epoch. */
  readonly receivedAt: number;
}

export interface OracleRow {
  /** Milliseconds since the epoch. */
  readonly windowStart: number;
  /** In `group_by` order. */
  readonly group: readonly (string | null)[];
  /** A number; the JSON value of `first` and `last`; for `top_k` every value with its count. */
  readonly value: unknown;
  /** Instead of the value: what a quantile may be near to. */
  readonly near?: readonly number[];
}

export interface OracleResult {
  /** Newest window first, then groups ascending by their bytes, null last. */
  readonly rows: readonly OracleRow[];
  /** Events whose field is missing or of the wrong type. */
  readonly skipped: number;
  /** Events received when their window had ended. */
  readonly late: number;
}

/** The windows of each rule over all the events, in the order of the rules. The events are in the order of their positions. */
export function oracle(
  rules: readonly OracleRule[],
  events: readonly OracleEvent[],
  filters: readonly OracleFilter[] = [],
): OracleResult[] {
  return rules.map((rule) => {
    const filter = filters.find(({ text }) => text === rule.filter);
    return oneRule(rule, filter === undefined ? events : events.filter(filter.accepts));
  });
}

interface Window {
  readonly windowStart: number;
  readonly group: readonly (string | null)[];
  readonly entered: Entered[];
}

interface Entered {
  readonly at: number;
  readonly value: unknown;
}

function oneRule(rule: OracleRule, events: readonly OracleEvent[]): OracleResult {
  const size = windowMilliseconds(rule.window_size);
  const patience = windowMilliseconds(rule.allowed_lateness ?? "0s");
  const windows = new Map<string, Window>();
  let [skipped, late] = [0, 0];
  for (const event of events) {
    const at = typeof event.timestamp === "number" ? event.timestamp : Date.parse(event.timestamp);
    const windowStart = at - (at % size);
    const isLate = event.receivedAt >= windowStart + size + patience;
    if (isLate) late += 1;
    if (isLate && rule.late_policy === "drop") continue;
    const value = enteringValue(rule, event);
    if (value === undefined) {
      skipped += 1;
      continue;
    }
    const group = (rule.group_by ?? []).map((key) => scalarText(lookUp(event, key)));
    const key = JSON.stringify([windowStart, group]);
    const window = windows.get(key) ?? { windowStart, group, entered: [] };
    windows.set(key, window);
    window.entered.push({ at, value });
  }
  const rows = [...windows.values()].map(({ windowStart, group, entered }) => ({
    windowStart,
    group,
    ...finish(rule, entered),
  }));
  return { rows: rows.sort(byWindowThenGroup), skipped, late };
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

function finish(rule: OracleRule, entered: readonly Entered[]): Pick<OracleRow, "value" | "near"> {
  const values = entered.map(({ value }) => value);
  const { metric } = rule;
  if (/^p\d/.test(metric)) return { value: null, near: quantiles(values.map(Number), Number(metric.slice(1)) / 100) };
  if (metric === "first") return { value: values[indexOfLeast(entered, 1)] };
  if (metric === "last") return { value: values[indexOfLeast(entered, -1)] };
  if (metric === "top_k") return { value: countsOf(values) };
  if (metric === "rate") return { value: (entered.length * 1000) / windowMilliseconds(rule.window_size) };
  if (rule.decimals !== undefined) return { value: finishExactly(metric, values.map(toBigInt)) };
  return { value: finishNumber(metric, values) };
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
      return nearest(sum) / values.length;
    case "min":
      return nearest(values.reduce((least, value) => (value < least ? value : least)));
    case "max":
      return nearest(values.reduce((most, value) => (value > most ? value : most)));
    default:
      throw new RangeError(`the oracle knows no exact ${metric}`);
  }
}

function nearest(value: bigint): number {
  const digits = (value < 0n ? -value : value).toString().padStart(31, "0");
  return Number(`${value < 0n ? "-" : ""}${digits.slice(0, -30)}.${digits.slice(-30)}`);
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

/** The numbers on both sides of the rank. */
function quantiles(numbers: readonly number[], level: number): number[] {
  const sorted = numbers.toSorted((a, b) => a - b);
  const rank = level * (sorted.length - 1);
  return [sorted[Math.floor(rank)]!, sorted[Math.ceil(rank)]!];
}

function windowMilliseconds(size: string): number {
  const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[size.slice(-1)];
  if (unit === undefined) throw new RangeError(`the oracle knows no window ${size}`);
  return Number(size.slice(0, -1)) * unit;
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
  for (const [index, left] of a.group.entries()) {
    const right = b.group[index] ?? null;
    if (left === right) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  }
  return 0;
}
