/** Random rules over random, hostile events: what the compiler is compared with the oracle on. */
import fc from "fast-check";
import type { OracleEvent, OracleFilter, OracleRule } from "./model.ts";
import { milliseconds } from "./windows.ts";

export interface Scenario {
  readonly rules: readonly OracleRule[];
  readonly events: readonly OracleEvent[];
  /** Where the events are cut into ranges; the ranges are rolled up in this order. */
  readonly cuts: readonly number[];
  /** They lie in so many, range by range in turns; missing: in one. */
  readonly partitions?: number;
  readonly pick: number;
}

// Few texts, so that they meet; each of them has once been somebody's trouble.
const texts = [
  "",
  "a",
  "b",
  "null",
  "true",
  "7",
  "7.0",
  "-",
  "{",
  "[1]",
  '"',
  "\\",
  'q"u\\o',
  "'; DROP TABLE rollups; --",
  "{x:String}",
  "\n\t\r",
  "\0",
  "a\0b",
];
const moreTexts = [
  "ü",
  "é",
  "e\u0301",
  "日本",
  "🎉",
  "\u2028",
  "\u007f",
  "\uffff",
  "a.b",
  "__proto__",
  "constructor",
  "$1",
  "%s",
  "\\N",
  "x".repeat(300),
];
const text = fc.constantFrom(...texts, ...moreTexts);
const keys = [
  "a",
  "b",
  "price",
  "",
  "1",
  "a.b",
  'q"k',
  "back\\slash",
  "new\nline",
  "\0",
  "ü",
  "🎉",
  "__proto__",
  "constructor",
  "'",
  "]",
  '"]',
  "key with space",
  "x".repeat(128),
];
/** Some of them so often that rules find what they read. */
const key = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom("a", "b", "price") },
  { weight: 3, arbitrary: fc.constantFrom(...keys) },
);
const number = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: -1000, max: 1000 }).map((value) => value / 4),
  fc.constantFrom(
    0.1,
    19.99,
    1e21,
    1.5e300,
    -1e21,
    1e-7,
    5e-324,
    2 ** 53 - 1,
    2 ** 53,
    2 ** 63,
    1.2345678901234568e18,
    1.2345678901234568e20,
  ),
  // Where the last of the places is rounded: halves by their digits, which as doubles are a little less or more.
  fc.constantFrom(1.005, -1.005, 2.675, 1.115, 0.5, 2.5, 1e-9 / 2, 1.0000000005),
  // Together beyond all doubles, or nothing.
  fc.constantFrom(1.7e308, 1.7e308, -1.7e308),
  // Of any magnitude or a common one, with all their digits; a -0 is a 0 as soon as it is JSON.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value + 0),
);
const scalar = fc.oneof(
  { weight: 3, arbitrary: number },
  { weight: 3, arbitrary: text },
  fc.boolean(),
  fc.constant(null),
);
const { value: payloadValue } = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    { weight: 6, arbitrary: scalar },
    fc.array(scalar, { maxLength: 2 }),
    tie("object"),
  ),
  object: objectOf(tie("value")),
}));
const payload = objectOf(payloadValue);

/** Own keys whatever their name, `__proto__` too; without the clash of `{"a":{"b":…},"a.b":…}`, which ingest refuses. */
function objectOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  return fc.array(fc.tuple(key, value), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));
}

const minute = 60_000;
const base = Date.UTC(2026, 0, 13, 10);
/** The time at which events are rolled up, as far as retention goes by it. */
export const now = base + 150_000;
const timestamp = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-1, 0, 1, 500, 29_999))
      .map(([minutes, ms]) => base + minutes * minute + ms),
  },
  fc.constantFrom(
    0,
    1,
    999,
    base - 86_400_000,
    base + 86_400_000 - 1,
    Date.UTC(2024, 1, 29, 23, 59, 59, 999),
    Date.UTC(2025, 11, 31),
    // Around changes of the clocks in New York, Berlin and on Lord Howe.
    Date.UTC(2026, 2, 8, 4, 59),
    Date.UTC(2026, 2, 8, 6, 59, 59),
    Date.UTC(2026, 2, 9, 3, 30),
    Date.UTC(2026, 2, 28, 23),
    Date.UTC(2026, 2, 29, 1),
    Date.UTC(2026, 3, 4, 14, 45),
    Date.UTC(2026, 3, 5, 13, 29),
    // In Cairo, where a day begins at one, or has two last hours; on Samoa, which has left one out.
    Date.UTC(2026, 3, 23, 21, 59),
    Date.UTC(2026, 3, 23, 22, 0, 1),
    Date.UTC(2026, 9, 29, 20, 30),
    Date.UTC(2026, 9, 29, 21, 30),
    Date.UTC(2011, 11, 30, 9, 59, 59, 999),
    Date.UTC(2011, 11, 30, 10),
  ),
);
export const event: fc.Arbitrary<OracleEvent> = fc
  .record({
    event_id: fc.uuid(),
    event_type: fc.oneof(
      fc.constantFrom("click", "purchase"),
      text.filter((value) => value !== ""),
    ),
    user_id: fc.oneof(
      fc.constantFrom("u1", "u2", "u3"),
      text.filter((value) => value !== ""),
    ),
    timestamp,
    payload,
    // Seconds, or days.
    delay: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(-60_000, 0, 1, 999, 1000, 60_000, 3_600_000, 90_000_000) },
      fc.integer({ min: 0, max: 62 }).map((days) => days * 86_400_000),
    ),
  })
  .map(({ delay, ...rest }) => ({ ...rest, receivedAt: Math.max(0, rest.timestamp + delay) }));

const path = fc
  .array(key, { minLength: 1, maxLength: 3 })
  .map(
    (path) =>
      `payload${path.map((part) => (/^[a-z]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`)).join("")}`,
  );
const shortPath = key.map((part) => (/^[a-z]+$/.test(part) ? `payload.${part}` : `payload[${JSON.stringify(part)}]`));
const anyPath = fc.oneof({ weight: 4, arbitrary: shortPath }, path);
const unfielded = ["count", "event_count", "active_users", "rate"];
const numeric = ["sum", "avg", "min", "max"];

/** Few, and each with its meaning said by itself; expressions of every kind are compared in the filters' own test. */
export const filters: readonly OracleFilter[] = [
  { text: 'event_type == "click"', accepts: (event) => event.event_type === "click" },
  { text: "payload.price > 0.5", accepts: ({ payload }) => Number(numberAt(payload, "price")) > 0.5 },
  {
    text: 'payload.a in ["a", "7", ""]',
    accepts: ({ payload }) => ["a", "7", ""].some((text) => payload?.["a"] === text),
  },
  {
    text: 'has(payload.b) && user_id != "u1"',
    accepts: (event) => (event.payload?.["b"] ?? null) !== null && event.user_id !== "u1",
  },
];

function numberAt(payload: OracleEvent["payload"], key: string): number | undefined {
  const value = payload?.[key];
  return typeof value === "number" ? value : undefined;
}

type Windows = Pick<OracleRule, "window_size" | "window_type" | "hop" | "timezone">;

/** Windows, with steps that they can be read in. */
const windows: readonly (readonly [Windows, ...steps: string[]])[] = [
  [{ window_size: "1s" }, "1s", "90s", "1h", "1mo"],
  [{ window_size: "7s" }, "7s", "7m"],
  [{ window_size: "1m" }, "1m", "2m", "1h", "1d"],
  [{ window_size: "5m" }, "10m", "1d", "1w"],
  [{ window_size: "90m" }, "3h", "1d", "1mo"],
  [{ window_size: "1h" }, "24h", "1w"],
  [{ window_size: "1d" }, "1d", "7d", "1w", "1mo"],
  [{ window_size: "7d" }, "14d"],
  [{ window_size: "30d" }, "30d"],
  [{ window_size: "10m", hop: "1m" }, "1m", "10m", "1d"],
  [{ window_size: "1h", hop: "5m" }, "5m", "1mo"],
  [{ window_size: "30s", hop: "5s" }, "10s"],
  [{ window_size: "7d", hop: "1d" }, "1d", "1w", "1mo"],
  [{ window_size: "5m", hop: "1s" }, "1s", "90s"],
  [{ window_size: "1d", hop: "5m" }, "1h", "1mo"],
  [{ window_size: "5m", hop: "1m", window_type: "cumulative" }, "1m", "1h"],
  [{ window_size: "1d", hop: "2h", window_type: "cumulative" }, "2h", "1d"],
  [{ window_size: "30d", hop: "1d", window_type: "cumulative" }, "1w"],
  [{ window_size: "1d", timezone: "America/New_York" }, "1d", "1w", "1mo"],
  [{ window_size: "1w", timezone: "Europe/Berlin" }, "1w"],
  [{ window_size: "1mo", timezone: "Australia/Adelaide" }, "1mo"],
  [{ window_size: "1mo" }, "1mo"],
  [{ window_size: "1d", timezone: "Africa/Cairo" }, "1d", "1w", "1mo"],
  [{ window_size: "1d", timezone: "Africa/Cairo", hop: "1h", window_type: "cumulative" }, "1h", "1d"],
  [{ window_size: "1w", timezone: "Pacific/Apia" }, "1w"],
  [{ window_size: "1d", timezone: "Pacific/Apia", hop: "20m", window_type: "cumulative" }, "20m", "1mo"],
  [{ window_size: "1mo", timezone: "Asia/Kathmandu", hop: "1d", window_type: "cumulative" }, "1mo"],
  [{ window_size: "1d", timezone: "Australia/Lord_Howe", hop: "30m", window_type: "cumulative" }, "30m", "1d", "1mo"],
  [{ window_size: "1d", timezone: "America/New_York", hop: "20m", window_type: "cumulative" }, "1h", "1w"],
  [{ window_size: "1w", timezone: "Europe/Berlin", hop: "1d", window_type: "cumulative" }, "1d", "1mo"],
  [{ window_size: "1mo", hop: "12h", window_type: "cumulative" }, "1w"],
];

/** Some so often that several rules of a round have the same keys, in this order or the other. */
const groupBy = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.uniqueArray(fc.oneof(fc.constantFrom("event_type", "user_id"), anyPath), { maxLength: 3 }),
  },
  { weight: 1, arbitrary: fc.constantFrom(["event_type", "user_id"], ["user_id", "event_type"]) },
);

export const rule: fc.Arbitrary<OracleRule> = fc
  .record({
    windows: fc.constantFrom(...windows.map(([fields]) => fields)),
    having: fc.constantFrom(undefined, undefined, undefined, "value > 1", "value >= 0 && value != 2", "value < 0.5"),
    top_n: fc.constantFrom(undefined, undefined, undefined, 1, 2),
    max_groups: fc.constantFrom(undefined, undefined, 1, 2, 3, 7),
    retention: fc.constantFrom(undefined, "1m", "1h", "2d", "40d"),
    metric: fc.constantFrom(
      ...unfielded,
      ...numeric,
      ...["uniq", "uniq_exact", "p50", "p99.9", "p7", "first", "last", "top_k"],
    ),
    field: anyPath,
    group_by: groupBy,
    decimals: fc.constantFrom(undefined, undefined, 0, 2, 9),
    filter: fc.oneof(fc.constant(undefined), fc.constantFrom(...filters.map(({ text }) => text))),
    allowed_lateness: fc.constantFrom(undefined, undefined, "1s", "1m", "1h", "15d", "30d"),
    late_policy: fc.constantFrom(undefined, "count", "drop"),
  })
  .map(({ field, decimals, windows: fields, having, top_n, max_groups, retention, late_policy, ...rest }) => ({
    rule_id: "r",
    ...rest,
    ...fields,
    ...(fields.hop === undefined ? { late_policy } : {}),
    ...(isComparable(rest.metric) ? { having } : {}),
    ...(isComparable(rest.metric) && rest.group_by.length > 0 ? { top_n } : {}),
    ...(rest.group_by.length > 0 ? { max_groups } : {}),
    // What it does to rules without a bound is done when they are read, and is not asked here.
    ...(rest.group_by.length > 0 && max_groups !== undefined && isAsLong(retention, fields) ? { retention } : {}),
    ...(unfielded.includes(rest.metric) ? {} : { field }),
    ...(numeric.includes(rest.metric) ? { decimals } : {}),
  }));

/** Whether it is as long as a window, whatever the calendar. */
function isAsLong(retention: string | undefined, { window_size, timezone }: Windows): boolean {
  const size = { "1w": 8, "1mo": 32, "1d": timezone === undefined ? 1 : 2 }[window_size];
  return milliseconds(retention ?? "0s")! >= (size === undefined ? milliseconds(window_size)! : size * 86_400_000);
}

/** Whether it is known well enough what the value is, so that a choice by it can be judged. */
const isComparable = (metric: string): boolean => [...unfielded, ...numeric, "uniq_exact"].includes(metric);

/** A step that the windows of the rule can be read in. */
export function stepFor(rule: OracleRule, pick: number): string {
  const found = windows.find(([fields]) =>
    (["window_size", "window_type", "hop", "timezone"] as const).every((name) => fields[name] === rule[name]),
  );
  const [, ...steps] = found!;
  return steps[pick % steps.length]!;
}

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  rules: fc.oneof(
    { weight: 15, arbitrary: fc.array(rule, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(rule, { minLength: 6, maxLength: 16 }) },
  ),
  events: fc.array(event, { maxLength: 60, size: "max" }),
  cuts: fc.array(fc.nat({ max: 60 }), { maxLength: 2 }),
  partitions: fc.constantFrom(1, 1, 2, 3),
  pick: fc.nat({ max: 1000 }),
});
