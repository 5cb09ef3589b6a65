import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { endOfSpan, startOfSpan } from "./calendar.ts";
import type { Span } from "./rule.ts";

const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");
const day = (timezone: string): Span => ({ unit: "day", timezone });
const week = (timezone: string): Span => ({ unit: "week", timezone });
const month = (timezone: string): Span => ({ unit: "month", timezone });

/** A span, a moment in it, its start and its end. */
const cases: readonly (readonly [string, Span, string, string, string])[] = [
  ["a plain day", day("Asia/Tokyo"), "2026-03-10T12:00:00Z", "2026-03-09T15:00:00Z", "2026-03-10T15:00:00Z"],
  ["a day of 23 hours", day("Europe/Berlin"), "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
  ["a day of 25 hours", day("Europe/Berlin"), "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
  ["a day from one on", day("Africa/Cairo"), "2024-04-25T22:00:00Z", "2024-04-25T22:00:00Z", "2024-04-26T21:00:00Z"],
  ["two midnights", day("America/Havana"), "2024-11-03T05:30:00Z", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"],
  ["a day left out", day("Pacific/Apia"), "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"],
  ["half an hour", day("Australia/Lord_Howe"), "2026-04-05T01:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"],
  ["a week from Monday", week("UTC"), "2026-01-18T23:59:59.999Z", "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z"],
  ["a short week", week("America/New_York"), "2026-03-08T12:00:00Z", "2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"],
  ["a leap February", month("UTC"), "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"],
  ["a December", month("America/Sao_Paulo"), "2026-01-01T02:59:59Z", "2025-12-01T03:00:00Z", "2026-01-01T03:00:00Z"],
  [
    "ten minutes",
    { unit: "second", count: 600 },
    "2026-01-01T02:59:59Z",
    "2026-01-01T02:50:00Z",
    "2026-01-01T03:00:00Z",
  ],
];

for (const [name, span, at, from, to] of cases) {
  test(`a moment is in its span: ${name}`, () => {
    const start = startOfSpan(span, Date.parse(at));
    assert.deepEqual([iso(start), iso(endOfSpan(span, start))], [from, to]);
  });
}

test("nothing begins before the epoch", () => {
  for (const ms of [-1e15, -1, 0]) assert.equal(startOfSpan({ unit: "second", count: 604_800 }, ms), 0);
  for (const span of [day("UTC"), week("UTC"), month("UTC")]) assert.equal(startOfSpan(span, -1), 0);
  // As the engine has it: the first midnight.
  for (const span of [day("America/New_York"), week("America/New_York"), month("America/New_York")])
    assert.equal(startOfSpan(span, 0), 5 * 3_600_000);
  assert.equal(startOfSpan(month("Asia/Tokyo"), Date.UTC(1970, 0, 20)), 15 * 3_600_000);
});

test("spans lie one behind the other without a gap", () => {
  const zone = fc.constantFrom(
    "UTC",
    "Pacific/Apia",
    "America/Havana",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Gaza",
  );
  const calendar = fc.record({
    unit: fc.constantFrom("day" as const, "week" as const, "month" as const),
    timezone: zone,
  });
  const seconds = fc.record({ unit: fc.constant("second" as const), count: fc.integer({ min: 1, max: 2_592_000 }) });
  const moment = fc.integer({ min: 40 * 86_400_000, max: Date.UTC(2100, 0) });
  fc.assert(
    fc.property(fc.oneof(calendar, seconds), moment, (span, ms) => {
      const start = startOfSpan(span, ms);
      const end = endOfSpan(span, start);
      assert.ok(start <= ms && ms < end);
      assert.deepEqual(
        [startOfSpan(span, start), startOfSpan(span, end - 1), startOfSpan(span, end)],
        [start, start, end],
      );
    }),
  );
});
