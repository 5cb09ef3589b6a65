import assert from "node:assert/strict";
import { test } from "node:test";
import { restartDelayMs, startsInARow } from "./restart-delay.ts";

test("an engine that ends is there again at once; the more often it does so, the longer it is left alone, up to five seconds", () => {
  for (const [inARow, ms] of [
    [0, 0],
    [1, 200],
    [2, 500],
    [3, 1000],
    [4, 2000],
    [5, 5000],
    [6, 5000],
    [1000, 5000],
  ] as const)
    assert.equal(restartDelayMs(inARow), ms, String(inARow));
});

test("one that was up for more than a minute is taken for a steady one", () => {
  for (const [before, upMs, after] of [
    [0, 10, 0],
    [4, 10, 4],
    [4, 60_000, 4],
    [4, 60_001, 0],
  ] as const)
    assert.equal(startsInARow(before, upMs), after, `${before} before, up ${upMs} ms`);
});
