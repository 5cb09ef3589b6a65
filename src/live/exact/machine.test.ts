import assert from "node:assert/strict";
import { test } from "node:test";
import { type Act, type Sight, type Standing, move, resumed, voided } from "./machine.ts";

const calm: Sight = {
  ...{ line: "open", ready: true, due: true, quiet: false },
  ...{ seq: 7, finals: 3, finalsLost: 0, knownFrom: 0 },
};
const waiting: Standing = { state: "waiting" };
const lost: Standing = { state: "lost", reason: "rule_changed" };
const at = (seq: number, finals = 3, seen = seq): Standing => ({ state: "following", seq, seen, finals });
const tooSlow: Standing = { state: "lost", reason: "too_slow" };

/** The table of docs/protocol.md, row by row. */
const table: readonly [what: string, from: Standing, sight: Partial<Sight>, act: Act, to: Standing][] = [
  ["a snapshot is sent when it can be made", waiting, {}, "snapshot", at(7)],
  ["it does not wait for the interval", waiting, { due: false }, "snapshot", at(7)],
  ["else it is waited for", waiting, { ready: false, quiet: true }, "wait", waiting],
  ["and not sent into a full line", waiting, { line: "full" }, "wait", waiting],
  ["what is void is told at once", lost, { ready: false, due: false }, "reset", waiting],
  ["but not into a full line", lost, { line: "busy" }, "wait", lost],
  ["changes are sent when they are due", at(5), {}, "changes", at(7)],
  ["also those that only close windows", at(7, 2), {}, "changes", at(7)],
  ["not before", at(5), { due: false }, "wait", at(5)],
  ["when nothing has changed for long, that is told", at(7), { quiet: true }, "heartbeat", at(7)],
  ["also while changes are not due", at(5), { due: false, quiet: true }, "heartbeat", at(5)],
  ["but changes go first", at(5), { quiet: true }, "changes", at(7)],
  ["nothing is said while nothing changes", at(7), {}, "wait", at(7)],
  ["what was seen and did not concern it counts", at(5, 3, 7), {}, "wait", at(5, 3, 7)],
  ["who does not read misses what was due", at(5), { line: "full" }, "wait", tooSlow],
  ["and nothing that was not", at(5), { line: "full", due: false }, "wait", at(5)],
  ["nor when there was nothing", at(7), { line: "full" }, "wait", at(7)],
  ["nor while it reads its snapshot", at(5), { line: "busy" }, "wait", at(5)],
  ["whose changes are forgotten has missed them", at(5), { knownFrom: 6 }, "wait", tooSlow],
  ["as has whose closed windows are", at(5, 1), { finalsLost: 2 }, "wait", tooSlow],
];

for (const [what, from, sight, act, to] of table)
  test(`a subscription: ${what}`, () => assert.deepEqual(move(from, { ...calm, ...sight }), { act, next: to }));

test("what is void: only who has something is told, and of the first reason", () => {
  assert.deepEqual(voided(at(5), "rule_changed"), lost);
  assert.deepEqual(voided(lost, "too_large"), lost);
  assert.deepEqual(voided(waiting, "too_large"), waiting);
});

test("who comes back follows if all that has changed since is known", () => {
  assert.deepEqual(resumed(5, 2, true), at(5, 2));
  assert.deepEqual(resumed(5, 2, false), { state: "lost", reason: "resume_too_old" });
});
