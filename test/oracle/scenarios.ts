/** Random rules over random, hostile events: what the compiler is compared with the oracle on. */
import fc from "fast-check";
import type { OracleEvent, OracleFilter, OracleRule } from "./oracle.ts";

export interface Scenario {
  readonly rules: readonly OracleRule[];
  readonly events: readonly OracleEvent[];
  /** Where the events are cut into ranges; the ranges are rolled up in this order. */
  readonly cuts: readonly number[];
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
const key = fc.constantFrom(...keys);
const number = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: -1000, max: 1000 }).map((value) => value / 4),
  fc.constantFrom(0.1, 19.99, 1e21, 1.5e300, -1e21, 1e-7, 5e-324, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 1.2345678901234568e20),
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
  ),
);
const event: fc.Arbitrary<OracleEvent> = fc
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
    delay: fc.constantFrom(-60_000, 0, 1, 999, 1000, 60_000, 3_600_000, 90_000_000),
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

const rule: fc.Arbitrary<OracleRule> = fc
  .record({
    window_size: fc.constantFrom("1s", "7s", "1m", "5m", "90m", "1h", "1d", "7d", "30d"),
    metric: fc.constantFrom(
      ...unfielded,
      ...numeric,
      ...["uniq", "uniq_exact", "p50", "p99.9", "p7", "first", "last", "top_k"],
    ),
    field: anyPath,
    group_by: fc.uniqueArray(fc.oneof(fc.constantFrom("event_type", "user_id"), anyPath), { maxLength: 3 }),
    decimals: fc.constantFrom(undefined, undefined, 0, 2, 9),
    filter: fc.oneof(fc.constant(undefined), fc.constantFrom(...filters.map(({ text }) => text))),
    allowed_lateness: fc.constantFrom(undefined, undefined, "1s", "1m", "1h"),
    late_policy: fc.constantFrom(undefined, "count", "drop"),
  })
  .map(({ field, decimals, ...rest }) => ({
    rule_id: "r",
    ...rest,
    ...(unfielded.includes(rest.metric) ? {} : { field }),
    ...(numeric.includes(rest.metric) ? { decimals } : {}),
  }));

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  rules: fc.array(rule, { minLength: 1, maxLength: 5 }),
  events: fc.array(event, { maxLength: 60, size: "max" }),
  cuts: fc.array(fc.nat({ max: 60 }), { maxLength: 2 }),
  pick: fc.nat({ max: 1000 }),
});
