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
  readonly value: number;
}

export interface OracleResult {
  /** Newest window first, then groups ascending by their bytes, null last. */
  readonly rows: readonly OracleRow[];
  /** Events whose field is missing or of the wrong type. */
  readonly skipped: number;
  /** Events received when their window had ended. */
  readonly late: number;
}

/** The windows of each rule over all the events, in the order of the rules. */
export function oracle(rules: readonly OracleRule[], events: readonly OracleEvent[]): OracleResult[] {
  return rules.map((rule) => oneRule(rule, events));
}

interface Window {
  readonly windowStart: number;
  readonly group: readonly (string | null)[];
  readonly entered: unknown[];
}

function oneRule(rule: OracleRule, events: readonly OracleEvent[]): OracleResult {
  const size = windowMilliseconds(rule.window_size);
  const windows = new Map<string, Window>();
  let [skipped, late] = [0, 0];
  for (const event of events) {
    const at = typeof event.timestamp === "number" ? event.timestamp : Date.parse(event.timestamp);
    const windowStart = at - (at % size);
    if (event.receivedAt >= windowStart + size) late += 1;
    const value = enteringValue(rule, event);
    if (value === undefined) {
      skipped += 1;
      continue;
    }
    const group = (rule.group_by ?? []).map((key) => scalarText(lookUp(event, key)));
    const key = JSON.stringify([windowStart, group]);
    const window = windows.get(key) ?? { windowStart, group, entered: [] };
    windows.set(key, window);
    window.entered.push(value);
  }
  const rows = [...windows.values()].map(({ windowStart, group, entered }) => ({
    windowStart,
    group,
    value: finish(rule.metric, entered),
  }));
  return { rows: rows.sort(byWindowThenGroup), skipped, late };
}

/** What of the event enters the metric; undefined when the event is skipped. */
function enteringValue(rule: OracleRule, event: OracleEvent): unknown {
  switch (rule.metric) {
    case "count":
    case "event_count":
      return true;
    case "active_users":
      return String(event.user_id);
    case "uniq_exact":
      return scalarText(lookUp(event, rule.field ?? "")) ?? undefined;
    default: {
      const value = lookUp(event, rule.field ?? "");
      return typeof value === "number" ? value : undefined;
    }
  }
}

function finish(metric: string, entered: readonly unknown[]): number {
  const numbers = entered.map(Number);
  const sum = numbers.reduce((total, value) => total + value, 0);
  switch (metric) {
    case "count":
    case "event_count":
      return entered.length;
    case "active_users":
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
