import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTime, parseMoment } from "./rfc3339.ts";

test("a whole second is written without a fraction", () => {
  assert.equal(formatTime(0), "1970-01-01T00:00:00Z");
  assert.equal(formatTime(1_768_676_400_000), "2026-01-17T19:00:00Z");
  assert.equal(formatTime(1_768_676_400_050), "2026-01-17T19:00:00.050Z");
});

test("what is written is read back", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (at) => parseMoment(formatTime(at)) === at));
});

test("offsets and fractions are understood", () => {
  assert.equal(parseMoment("2026-01-17T21:00:00+02:00"), 1_768_676_400_000);
  assert.equal(parseMoment("2026-01-17T21:00:00 02:00"), 1_768_676_400_000, "a + that was not written as %2B");
  assert.equal(parseMoment("2026-01-17t13:30:00.123456-05:30"), 1_768_676_400_123);
});

test("it is the times of events that are understood, and milliseconds", () => {
  assert.equal(parseMoment("2016-12-31T23:59:60Z"), Date.UTC(2017, 0, 1));
  assert.equal(parseMoment("2026-01-17T19:00:00.1234567890Z"), 1_768_676_400_123);
  assert.equal(parseMoment("0033-01-01T00:00:00Z"), Date.parse("0033-01-01T00:00:00Z"));
  assert.equal(parseMoment("-62"), -62);
});

test("what is no time is refused", () => {
  for (const text of [
    "",
    "yesterday",
    "2026-02-30T00:00:00Z",
    "2026-01-17T24:00:00Z",
    "2026-01-17T19:00:00",
    "2026-01-17T19:00:00+25:00",
    "2026-13-01T00:00:00Z",
  ]) {
    assert.equal(parseMoment(text), undefined, text);
  }
});
