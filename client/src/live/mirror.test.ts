import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatsRow } from "../wire.ts";
import { Mirror } from "./mirror.ts";
import type { LiveMessage, MirrorPhase, Verdict } from "./mirror.ts";

const ten = "2026-01-14T10:00:00Z";
const eleven = "2026-01-14T11:00:00Z";
const row = (window_start: string, value: number, more: Partial<StatsRow> = {}): StatsRow => ({
  window_start,
  value,
  window_end: "2026-01-14T12:00:00Z",
  final: false,
  ...more,
});
const rule_id = "r";
const messages = {
  snapshot: {
    ...{ type: "snapshot", rule_id, version: 1, epoch: "e", seq: 5, from: ten, complete: true },
    rows: [row(eleven, 3), row(ten, 1), row(ten, 2)],
  },
  next: { type: "delta", rule_id, prev: 5, seq: 7, rows: [row(ten, 9)], gone: [eleven] },
  gap: { type: "delta", rule_id, prev: 6, seq: 7, rows: [row(ten, 9)] },
  final: { type: "final", rule_id, window_start: ten, window_end: "2026-01-14T12:00:00Z" },
  unknown: { type: "final", rule_id, window_start: "2026-01-14T09:00:00Z", window_end: ten },
  heartbeat: { type: "heartbeat", rule_id, seq: 5, lag_ms: 3 },
  other: { type: "heartbeat", rule_id, seq: 6, lag_ms: 3 },
  reset: { type: "reset", rule_id, reason: "too_slow" },
  error: { type: "error", rule_id, code: "rule_deleted", message: "it is gone" },
} as const satisfies Record<string, LiveMessage>;
type Name = keyof typeof messages;

/** How a client comes to be in each state. */
const ways: Readonly<Record<Exclude<MirrorPhase, "over">, readonly Name[]>> = {
  nothing: [],
  following: ["snapshot"],
  void: ["snapshot", "reset"],
};

const table: readonly [state: keyof typeof ways, message: Name, verdict: Verdict, then: MirrorPhase][] = [
  ["nothing", "snapshot", "changed", "following"],
  ["nothing", "next", "broken", "nothing"],
  ["nothing", "final", "broken", "nothing"],
  ["nothing", "heartbeat", "broken", "nothing"],
  ["nothing", "reset", "changed", "void"],
  ["nothing", "error", "over", "over"],
  ["following", "snapshot", "changed", "following"],
  ["following", "next", "changed", "following"],
  ["following", "gap", "broken", "following"],
  ["following", "final", "changed", "following"],
  ["following", "unknown", "same", "following"],
  ["following", "heartbeat", "same", "following"],
  ["following", "other", "broken", "following"],
  ["following", "reset", "changed", "void"],
  ["following", "error", "over", "over"],
  ["void", "snapshot", "changed", "following"],
  ["void", "next", "broken", "void"],
  ["void", "final", "broken", "void"],
  ["void", "heartbeat", "broken", "void"],
  ["void", "reset", "changed", "void"],
  ["void", "error", "over", "over"],
];

for (const [state, message, verdict, then] of table)
  test(`${state}, ${message}: ${verdict}, then ${then}`, () => {
    const mirror = new Mirror();
    for (const name of ways[state]) mirror.take(messages[name]);
    assert.equal(mirror.phase, state);
    assert.deepEqual([mirror.take(messages[message]), mirror.phase], [verdict, then]);
    assert.equal(mirror.place !== undefined, then === "following");
  });

test("a delta takes the place of whole windows, a final closes, and rows stay one list until something changes", () => {
  const mirror = new Mirror();
  mirror.take(messages.snapshot);
  const { rows } = mirror;
  assert.deepEqual(rows, messages.snapshot.rows);
  mirror.take(messages.heartbeat);
  assert.equal(mirror.rows, rows);
  mirror.take(messages.final);
  assert.deepEqual(mirror.rows, [row(eleven, 3), row(ten, 1, { final: true }), row(ten, 2, { final: true })]);
  mirror.take(messages.next);
  assert.deepEqual(mirror.rows, [row(ten, 9)]);
  assert.deepEqual(mirror.place, { epoch: "e", seq: 7 });
});

test("of windows that begin at once only those close that end then", () => {
  const mirror = new Mirror();
  const rows = [row(ten, 1, { window_end: eleven }), row(ten, 2)];
  mirror.take({ ...messages.snapshot, rows });
  mirror.take({ ...messages.final, window_end: eleven });
  assert.deepEqual(
    mirror.rows.map(({ final }) => final),
    [true, false],
  );
});

test("what is void can be read until the next snapshot, but not resumed", () => {
  const mirror = new Mirror();
  for (const name of ["snapshot", "reset"] as const) mirror.take(messages[name]);
  assert.deepEqual(mirror.rows, messages.snapshot.rows);
  assert.equal(mirror.place, undefined);
});

test("messages of a subscription of before are passed over until the snapshot of this one", () => {
  const mirror = new Mirror();
  mirror.startAnew(true);
  assert.deepEqual([mirror.take(messages.gap), mirror.take(messages.final)], ["same", "same"]);
  assert.equal(mirror.take(messages.snapshot), "changed");
  assert.equal(mirror.take(messages.gap), "broken");
});
