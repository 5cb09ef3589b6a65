import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { Renewal } from "./renewal.ts";

function desk() {
  const state = { at: 1_000_000, renewed: 0 };
  const clock = { ...systemClock, monotonic: () => state.at };
  const renewal = new Renewal(clock, () => (state.renewed += 1));
  /** A question that takes so long, and fails. */
  const fail = (tookMs: number): Promise<void> =>
    assert.rejects(
      renewal.ask(async () => ((state.at += tookMs), Promise.reject(new Error("away")))),
      /away/,
    );
  return { state, renewal, fail };
}

test("a line without an answer for ten seconds is laid anew, however few questions that were, and again after ten more", async () => {
  const { state, fail } = desk();
  for (const [tookMs, renewed] of [
    [3_000, 0],
    [3_000, 0],
    [4_000, 1],
    [9_000, 1],
    [1_000, 2],
    [15_000, 3],
  ] as const) {
    await fail(tookMs);
    assert.equal(state.renewed, renewed);
  }
});

test("it is the silence that counts, not how long nobody asked, and an answer ends it", async () => {
  const { state, renewal, fail } = desk();
  assert.equal(await renewal.ask(async () => 7), 7);
  state.at += 3_600_000;
  await fail(3_000);
  assert.equal(state.renewed, 0);
  state.at += 6_000;
  await renewal.ask(async () => {});
  await fail(3_000);
  assert.equal(state.renewed, 0);
});
