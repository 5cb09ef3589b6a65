import assert from "node:assert/strict";
import { test } from "node:test";
import { decideDelivery, judgeBacklog, messageCost, nextDue, spendMessage } from "./decide.ts";
import type { Backlog, Delivery } from "./decide.ts";

test("what a subscription is to get", () => {
  const table: [sentSeq: number | null, dueAt: number, fresh: boolean, seq: number, now: number, expected: Delivery][] =
    [
      // A newcomer does not wait for its interval, only for what is true.
      [null, 0, true, 0, 10, "snapshot"],
      [null, 0, false, 7, 10, "read"],
      [null, 99, true, 7, 10, "snapshot"],
      // Before its time nobody gets anything, nor is the store asked.
      [5, 11, true, 7, 10, "wait"],
      [5, 11, false, 7, 10, "wait"],
      [5, 10, false, 5, 10, "read"],
      [5, 10, true, 7, 10, "changes"],
      // Nothing while nothing changes.
      [7, 10, true, 7, 10, "wait"],
    ];
  for (const [sentSeq, dueAt, fresh, seq, now, expected] of table) {
    assert.equal(
      decideDelivery({ sentSeq, dueAt }, { fresh, seq }, now),
      expected,
      JSON.stringify([sentSeq, dueAt, fresh, seq, now]),
    );
  }
});

test("pushes keep the interval and meet on a raster", () => {
  assert.equal(nextDue(0, 5000), 5000);
  assert.equal(nextDue(1, 5000), 5250);
  assert.equal(nextDue(249, 5000), 5250);
  assert.equal(nextDue(260, 50), 350);
});

type Verdict = Backlog["verdict"];

test("a backlog is waited for, but not for ever, nor less than that because the server stood still", () => {
  const bounds = { backlogBytesMax: 100, backlogBytesFatal: 1000, backlogMsMax: 20_000, sweepMs: 250 };
  const table: [since: number | null, at: number, bytes: number, now: number, since: number | null, Verdict][] = [
    [null, 0, 100, 5, null, "open"],
    [null, 0, 101, 5, 5, "skip"],
    [5, 20_000, 101, 20_004, 5, "skip"],
    [5, 20_000, 101, 20_005, 5, "close"],
    [5, 20_000, 0, 20_005, null, "open"],
    [null, 0, 1001, 5, 5, "close"],
    // The server stood still for most of it: that is not counted.
    [5, 10, 101, 21_010, 20_505, "skip"],
    [20_505, 21_010, 101, 21_300, 20_505, "skip"],
    [20_505, 40_300, 101, 40_505, 20_505, "close"],
    [5, 10, 1001, 21_010, 20_505, "close"],
  ];
  for (const [before, at, bytes, now, since, verdict] of table)
    assert.deepEqual(judgeBacklog({ since: before, at, verdict: "skip" }, bytes, now, bounds), {
      since,
      at: verdict === "open" ? 0 : now,
      verdict,
    });
});

test("messages are paid from a budget that refills", () => {
  const bounds = { messagesPerSecond: 1, messagesBurst: 2 };
  let budget = spendMessage({ left: 2, at: 0 }, 1, 0, bounds);
  budget = spendMessage(budget!, 1, 0, bounds);
  assert.equal(spendMessage(budget!, 1, 999, bounds), undefined);
  assert.deepEqual(spendMessage(budget!, 1, 1000, bounds), { left: 0, at: 1000 });
  assert.equal(spendMessage({ left: 2, at: 0 }, 2.1, 9000, bounds), undefined);
});

test("a message counts as one, and of many rules as more", () => {
  assert.deepEqual([0, 1, 10, 11, 1000].map(messageCost), [1, 1, 1, 1.1, 100]);
});
