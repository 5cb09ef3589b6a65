import assert from "node:assert/strict";
import { test } from "node:test";
import { axisTimes } from "./axis-times.ts";

const at = (text: string): number => Date.parse(text) / 1000;

test("times have their day where it begins", () => {
  const splits = ["2026-01-13T23:50:00Z", "2026-01-13T23:55:00Z", "2026-01-14T00:00:00Z"].map(at);
  assert.deepEqual(axisTimes(splits, 300), ["23:50\n2026-01-13", "23:55", "00:00\n2026-01-14"]);
});

test("seconds are told where they matter, and times of day not where they don't", () => {
  assert.deepEqual(axisTimes([at("2026-01-13T10:00:05Z")], 5), ["10:00:05\n2026-01-13"]);
  assert.deepEqual(axisTimes([at("2026-01-13T00:00:00Z")], 86_400), ["2026-01-13"]);
});
