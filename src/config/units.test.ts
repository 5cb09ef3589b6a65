import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

test("sizes are read in bytes, powers of ten and of two", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["17", 17],
    ["32MiB", 33554432],
    ["32 mib", 33554432],
    ["1.5GiB", 1610612736],
    ["10MB", 10_000_000],
    ["8.2GB", 8_200_000_000],
    ["0.0000000001TB", 100],
    ["1.0", 1],
    ["0.1KiB", undefined],
    ["1.5", undefined],
    ["-1", undefined],
    ["5s", undefined],
    ["", undefined],
    ["MiB", undefined],
    ["9999999TiB", undefined],
  ];
  for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, text);
});

test("durations are read in milliseconds", () => {
  const cases: [string, number | undefined][] = [
    ["500ms", 500],
    ["5s", 5000],
    ["1.5s", 1500],
    ["2.01s", 2010],
    ["4.1m", 246_000],
    ["1.0005s", undefined],
    ["2m", 120_000],
    ["1d", 86_400_000],
    ["250", 250],
    ["1 day", undefined],
    ["5MiB", undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

test("what is written is read back the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
      assert.equal(parseSize(formatSize(value)), value);
      assert.equal(parseDuration(formatDuration(value)), value);
    }),
  );
});
