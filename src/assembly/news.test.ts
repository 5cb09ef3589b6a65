import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryLog } from "../../test/support/memory-log.ts";
import { loadConfig } from "../config/load.ts";
import { offset, src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import { Closers } from "../lib/closers.ts";
import { WeirError } from "../lib/errors.ts";
import { createLogger } from "../observe/logger.ts";
import { createMetrics } from "../observe/metrics.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { startNews } from "./news.ts";

/** With a log and a store that fail so many times before they answer. */
function desk(fails: Record<"log" | "store", number>) {
  const loaded = loadConfig({ argv: [], env: {}, readFile: () => "" });
  assert.ok(loaded.ok);
  const clock = { ...systemClock, sleep: () => systemClock.turn() };
  const basis = {
    config: loaded.config,
    clock,
    logger: createLogger({ level: "silent", format: "json", terminal: false }),
    metrics: createMetrics(clock),
    version: "0",
    closers: new Closers(() => {}),
    fail: () => {},
  };
  const answered = <T>(what: "log" | "store", answer: T): T => {
    fails[what] -= 1;
    if (fails[what] >= 0) throw new WeirError(`${what}_unavailable`, `the ${what} is away`, { canRetry: true });
    return answer;
  };
  const progress = new MemoryProgress(clock);
  const log = { ...memoryLog(), ends: async () => answered("log", new Map([[src(2), offset(9)]])) };
  const store = { marks: async () => answered("store", [{ from: offset(0), to: offset(6) }] as never) };
  const trouble = () => ({ sending: undefined, hearing: undefined });
  const channel = { send: async () => {}, listen: () => {}, trouble, close: async () => {} };
  const start = (signal?: AbortSignal) => startNews(basis, { log, store, progress, channel }, signal);
  return { start, progress };
}

test("a broker or a store that goes away in the middle of a start is waited for", async (t) => {
  const { start, progress } = desk({ log: 2, store: 1 });
  const expect = t.mock.method(progress, "expect");
  await start();
  assert.deepEqual(
    expect.mock.calls.map((call) => call.arguments),
    [[src(2), 7]],
  );
});

test("the wait ends when the start is given up", async () => {
  const given = new AbortController();
  given.abort();
  await assert.rejects(desk({ log: 99, store: 0 }).start(given.signal), { code: "stopping" });
});
