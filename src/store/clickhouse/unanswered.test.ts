import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { SimulatedClock } from "../../../test/support/simulated-clock.ts";
import { Unanswered } from "./unanswered.ts";

describe("answers that got lost", () => {
  let clock: SimulatedClock;
  let running: Set<string>;
  let asked: (readonly string[])[];
  let lost: (readonly [string, number])[];
  let unanswered: Unanswered;
  let isAway: boolean;

  beforeEach(() => {
    [clock, running, asked, lost, isAway] = [new SimulatedClock(), new Set(), [], [], false];
    unanswered = new Unanswered({
      clock,
      running: async (ids) => {
        asked.push(ids);
        if (isAway) throw new Error("no answer");
        return running;
      },
      lost: (id, afterMs) => void lost.push([id, afterMs]),
    });
    unanswered.start();
  });

  test("nobody is asked after what is answered in time", async () => {
    const { signal, end } = unanswered.expect("soon", 0);
    await clock.advance(9_000);
    end();
    await clock.advance(60_000);
    assert.deepEqual([asked, lost, signal.aborted], [[], [], false]);
  });

  test("what the server works on is waited for, however long it takes", async () => {
    running.add("long");
    const { signal } = unanswered.expect("long", 0);
    await clock.advance(280_000);
    assert.deepEqual([lost, signal.aborted], [[], false]);
    assert.ok(asked.length > 100);
  });

  test("what the server does not have, twice in a row, is given up", async () => {
    running.add("long");
    const [long, gone] = [unanswered.expect("long", 0), unanswered.expect("gone", 0)];
    await clock.advance(11_000);
    assert.equal(gone.signal.aborted, false);
    await clock.advance(1_000);
    assert.deepEqual([lost, gone.signal.aborted, long.signal.aborted], [[["gone", 12_000]], true, false]);
    await clock.advance(60_000);
    assert.equal(lost.length, 1);
  });

  test("what it has between two looks is waited for", async () => {
    const { signal } = unanswered.expect("late", 0);
    await clock.advance(10_000);
    running.add("late");
    await clock.advance(2_000);
    running.delete("late");
    await clock.advance(2_000);
    assert.equal(signal.aborted, false);
  });

  test("a server that does not answer proves nothing", async () => {
    isAway = true;
    const { signal } = unanswered.expect("unknown", 0);
    await clock.advance(100_000);
    assert.equal(signal.aborted, false);
  });

  test("what carries many rows is asked after later, by as much as their way may take", async () => {
    unanswered.expect("rows", 10_000_000);
    await clock.advance(30_000);
    assert.deepEqual(lost, []);
    await clock.advance(2_000);
    assert.deepEqual(lost, [["rows", 32_000]]);
  });

  test("whose head has come need not run any more: the rest has a minute", async () => {
    const { signal, heard } = unanswered.expect("large", 0);
    await clock.advance(5_000);
    heard();
    await clock.advance(58_000);
    assert.deepEqual([asked, signal.aborted], [[], false]);
    await clock.advance(3_000);
    assert.deepEqual([asked, lost, signal.aborted], [[], [["large", 61_000]], true]);
  });
});
