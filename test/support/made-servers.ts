import assert from "node:assert/strict";
import type { Basis } from "../../src/assembly/basis.ts";
import { healthServer, ingestServer, queryServer } from "../../src/assembly/servers.ts";
import type { AnsweringParts } from "../../src/assembly/servers.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Server } from "../../src/http/server.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Closers } from "../../src/lib/closers.ts";
import { createLogger } from "../../src/observe/logger.ts";
import { createMetrics } from "../../src/observe/metrics.ts";
import { MemoryProgress } from "../../src/progress/memory-progress.ts";
import { type MemoryLog, memoryLog } from "./memory-log.ts";

/** Of servers as the product puts them together, configured by a command line. */
export function basisOf(argv: readonly string[]): Basis {
  const loaded = loadConfig({ argv, env: {}, readFile: () => "" });
  assert.ok(loaded.ok);
  return {
    config: loaded.config,
    clock: systemClock,
    logger: createLogger({ level: "silent", format: "json", terminal: false }),
    metrics: createMetrics(systemClock),
    version: "0",
    closers: new Closers(() => {}),
    fail: () => {},
  };
}

/** With parts that nobody asks anything. */
export function queryServerOf(...argv: readonly string[]): Server {
  const basis = basisOf(argv);
  const progress = new MemoryProgress(basis.clock);
  const state = () => ({ up: true, answering: true, isLowOnDisk: false, restarts: 0 });
  const engine = { state, describe: () => undefined, damage: () => undefined, whyAway: "", questionsAtOnce: 4 };
  const parts: Partial<AnsweringParts> = { log: memoryLog(), progress, dependencies: {}, accepts: true, engine };
  return queryServer(basis, parts as AnsweringParts, () => undefined);
}

interface MadeIngest {
  readonly server: Server;
  readonly log: MemoryLog;
  /** In a body of at least so many bytes. Answers the status, and the code of an error. */
  send(events: readonly object[], bytes?: number): Promise<readonly [status: number, code: string | undefined]>;
}

/** On a log in memory. `synced` is waited for before events are durable. */
export function ingestServerOf(argv: readonly string[] = [], synced?: () => Promise<void>): MadeIngest {
  const log = memoryLog(synced && { sync: synced });
  const server = ingestServer(basisOf(argv), { log, progress: new MemoryProgress(systemClock), dependencies: {} });
  const send: MadeIngest["send"] = async (events, bytes = 0) => {
    const payload = JSON.stringify(events).padEnd(bytes);
    const headers = { "content-type": "application/json" };
    const answer = await server.inject({ method: "POST", url: "/ingest", headers, payload });
    return [answer.statusCode, answer.json<{ error?: { code: string } }>().error?.code];
  };
  return { server, log, send };
}

/** Of a process that only counts. */
export const healthServerOf = (): Server => healthServer(basisOf([]), {});
