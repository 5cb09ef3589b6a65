import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTime, parseTime } from "./rfc3339.ts";

test("a whole second is written without a fraction", () => {
  assert.equal(formatTime(0), "1970-01-01T00:00:00Z");
  assert.equal(formatTime(1_768_676_400_000), "2026-01-17T19:00:00Z");
  assert.equal(formatTime(1_768_676_400_050), "2026-01-17T19:00:00.050Z");
});

test("what is written is read back", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (at) => parseTime(formatTime(at)) === at));
});

test("offsets and fractions are understood", () => {
  assert.equal(parseTime("2026-01-17T21:00:00+02:00"), 1_768_676_400_000);
  assert.equal(parseTime("2026-01-17t13:30:00.123456-05:30"), 1_768_676_400_123);
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
    assert.equal(parseTime(text), undefined, text);
  }
});
