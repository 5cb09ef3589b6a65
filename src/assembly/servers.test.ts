import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryLog } from "../../test/support/memory-log.ts";
import { loadConfig } from "../config/load.ts";
import { systemClock } from "../lib/clock.ts";
import { Closers } from "../lib/closers.ts";
import { createLogger } from "../observe/logger.ts";
import { createMetrics } from "../observe/metrics.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { queryServer } from "./servers.ts";
import type { AnsweringParts } from "./servers.ts";

/** With parts that nobody asks anything. */
function queryServerOf(...argv: string[]) {
  const loaded = loadConfig({ argv, env: {}, readFile: () => "" });
  assert.ok(loaded.ok);
  const basis = {
    config: loaded.config,
    clock: systemClock,
    logger: createLogger({ level: "silent", format: "json", terminal: false }),
    metrics: createMetrics(systemClock),
    version: "0",
    closers: new Closers(() => {}),
    fail: () => {},
  };
  const progress = new MemoryProgress(systemClock);
  const state = () => ({ up: true, answering: true, isLowOnDisk: false, restarts: 0 });
  const engine = { state, describe: () => undefined, whyAway: "", questionsAtOnce: 4 };
  const parts: Partial<AnsweringParts> = { log: memoryLog(), progress, dependencies: {}, accepts: true, engine };
  return queryServer(basis, parts as AnsweringParts, () => undefined);
}

test("the query port has room for all live connections and for some that ask: the hub refuses, and not the port", async () => {
  for (const [argv, max] of [
    [[], 20_000],
    [["--live-clients-max", "7"], 7],
    [["--live-clients-max", "90000"], 90_000],
  ] as const) {
    const server = queryServerOf(...argv);
    assert.equal(server.server.maxConnections, max + 2_000);
    await server.close();
  }
});

test("on the query port a large document may take as long as it keeps coming, its headers ten seconds", async () => {
  const server = queryServerOf();
  assert.deepEqual([server.server.headersTimeout, server.server.requestTimeout], [10_000, 600_000]);
  await server.close();
});
