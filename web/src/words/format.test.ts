import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytesText,
  countText,
  durationText,
  percentText,
  plural,
  shortNumber,
  shownText,
  timeText,
  valueText,
} from "./format.ts";

test("numbers are told as people read them", () => {
  assert.equal(countText(1234567), "1,234,567");
  assert.equal(countText(null), "–");
  assert.equal(shortNumber(999), "999");
  assert.equal(shortNumber(1_234_567), "1.23M");
  assert.equal(plural(1, "event"), "1 event");
  assert.equal(plural(2000, "event"), "2,000 events");
  assert.equal(percentText(0.5), "50 %");
  assert.equal(percentText(0.0312), "3.1 %");
});

test("the value of a window of any metric has a text", () => {
  assert.equal(valueText(12345), "12,345");
  assert.equal(valueText(0.123456789), "0.123457");
  assert.equal(valueText(1_234_567.89), "1,234,567.89");
  assert.equal(valueText(46_344.050000000003), "46,344.05");
  assert.equal(valueText(-0.5), "-0.5");
  assert.equal(valueText(0), "0");
  assert.equal(valueText("DE"), "DE");
  assert.equal(valueText(false), "false");
  assert.equal(valueText(null), "–");
  assert.equal(
    valueText([
      { value: "a", count: 1000 },
      { value: "b", count: 2 },
    ]),
    "a (1,000), b (2)",
  );
});

test("money has its decimals, all of them, whatever its size", () => {
  assert.deepEqual(
    [0, 12, 1828.05, 2859.9, 99_999_999_999.99, -1_234_567.8].map((value) => valueText(value, 2)),
    ["0.00", "12.00", "1,828.05", "2,859.90", "99,999,999,999.99", "-1,234,567.80"],
  );
  assert.equal(valueText(1234, 0), "1,234");
});

test("numbers that no place is wide enough for are short", () => {
  assert.deepEqual(
    [1e300, -1.5e20, 2 ** 53, 1.2345678e-12].map((value) => valueText(value)),
    [...["1e+300", "-1.5e+20", "9,007,199,254,740,992", "1.23457e-12"]],
  );
  assert.equal(shortNumber(1e300), "1.00e+300");
  assert.equal(shortNumber(-2.5e-10), "-2.50e-10");
  assert.equal(shortNumber(0.000025), "0.000025");
  assert.equal(shortNumber(1.5e12), "1.5T");
});

test("a text of which nothing would be seen is in quotes", () => {
  assert.deepEqual(["", " ", "\n", "\u0000", "\u202e", "a b"].map(shownText), [
    ...['""', '" "', String.raw`"\n"`, String.raw`"\u0000"`, '"\u202e"', "a b"],
  ]);
  assert.deepEqual(["DE ", "\u00a0DE", "a\tb", "👩‍👩‍👧‍👦"].map(shownText), [
    ...['"DE "', '"\u00a0DE"', String.raw`"a\tb"`, "👩‍👩‍👧‍👦"],
  ]);
});

test("durations and bytes have the unit that suits them", () => {
  assert.deepEqual([0, 999, 4200, 61_000, 5_400_000, 259_200_000].map(durationText), [
    "0 ms",
    "999 ms",
    "4.2 s",
    "1 min",
    "1.5 h",
    "3 days",
  ]);
  assert.deepEqual([0, 512, 1536, 10 * 2 ** 30].map(bytesText), ["0 B", "512 B", "1.5 KiB", "10 GiB"]);
});

test("times are UTC, with their day when it is another one", () => {
  const now = Date.parse("2026-01-13T23:00:00Z");
  assert.equal(timeText("2026-01-13T10:00:05.123Z", now), "10:00:05");
  assert.equal(timeText("2026-01-12T10:00:05Z", now), "2026-01-12 10:00:05");
  assert.equal(timeText("soon", now), "soon ");
});
