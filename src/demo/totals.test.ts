import assert from "node:assert/strict";
import { test } from "node:test";
import { demoRules, flightEvent, punctuality } from "./demo-rules.ts";
import { totalLine, totalOf } from "./totals.ts";

const rule = (id: string) => demoRules.find(({ spec }) => spec.rule_id === id)!;
const newest = "2026-01-13T00:00:00Z";
const older = "2026-01-12T00:00:00Z";

test("counts and sums add up over all windows, largest group first", () => {
  const row = (window_start: string, origin: string, value: number) => ({
    window_start,
    "payload.origin": origin,
    value,
  });
  const total = totalOf(rule("departures_1d"), [row(newest, "ORD", 3), row(newest, "ATL", 9), row(older, "ORD", 1200)]);
  assert.deepEqual(
    [total.total, total.rows, total.groups],
    [
      1212,
      3,
      [
        ["ORD", 1203],
        ["ATL", 9],
      ],
    ],
  );
  assert.equal(totalLine(total), "departures_1d    1,212 = ORD 1,203 · ATL 9   (departures of each airport, by day)");
});

test("means and distinct counts are told of the newest window", () => {
  const row = (window_start: string, origin: string, value: number) => ({
    window_start,
    "payload.origin": origin,
    value,
  });
  const total = totalOf(rule("mean_delay_1d"), [row(newest, "ORD", 3.25), row(older, "ORD", 100)]);
  assert.deepEqual([total.total, total.groups], [undefined, [["ORD", 3.25]]]);
});

test("a rule without groups has one total, and one without rows has none", () => {
  assert.match(
    totalLine(totalOf(rule("miles_1d"), [{ window_start: newest, value: 7_000_000 }])),
    /^miles_1d +7,000,000 {3}\(/,
  );
  assert.deepEqual(totalOf(rule("miles_1d"), []).groups, []);
});

test("a flight is an event of its route, late from a quarter of an hour on", () => {
  const flight = { index: 4, departure: 978_307_260_000, delay: 15, distance: 215, origin: "ATL", destination: "SAV" };
  assert.deepEqual(flightEvent(flight, 1000), {
    event_id: "flight-4",
    user_id: "ATL-SAV",
    event_type: "late",
    timestamp: 978_307_261_000,
    payload: { delay: 15, distance: 215, origin: "ATL", destination: "SAV" },
  });
  assert.deepEqual([-1, 0, 14, 15].map(punctuality), ["early", "on_time", "on_time", "late"]);
});
