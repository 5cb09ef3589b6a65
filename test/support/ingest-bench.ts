import { after } from "node:test";
import type { FastifyInstance } from "fastify";
import { unpack } from "../../src/event/packed.ts";
import { ingestRoutes } from "../../src/http/ingest-routes.ts";
import { createServer } from "../../src/http/server.ts";
import { Ingest } from "../../src/ingest/ingest.ts";
import type { IngestLimits } from "../../src/ingest/ingest.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { documented } from "./documented.ts";
import { memoryLog } from "./memory-log.ts";
import type { MemoryLog, MemoryLogOptions } from "./memory-log.ts";

export const event = {
  event_id: "e1",
  user_id: "u1",
  event_type: "click",
  timestamp: "2026-01-13T10:00:00Z",
  payload: { a: 1 },
};
export const json = "application/json";

export interface Bench {
  readonly server: FastifyInstance;
  readonly log: MemoryLog;
  readonly ingest: Ingest;
  /** Lets everything count from now on. */
  readonly countAll: () => void;
  readonly stored: () => string[];
  /** Resolves when a request waits for its events to be counted. */
  readonly waits: Promise<void>;
  send(
    body: unknown,
    options?: { type?: string; query?: string; encoding?: string },
  ): Promise<{ status: number; headers: Record<string, unknown>; json: Json }>;
}
interface Json {
  readonly status: string;
  readonly count: number;
  readonly token: string;
  readonly refused_count: number;
  readonly refused: readonly {
    index: number;
    line?: number;
    problems: readonly { path: string; message: string; value?: unknown }[];
  }[];
  readonly error: {
    code: string;
    message: string;
    details: readonly { index?: number; path: string; message: string; value?: unknown }[] & { token?: string };
  };
}

/** The ingest routes over a log in memory, of which nothing is counted until it is told. */
export function bench(
  limits: Partial<IngestLimits> = {},
  logOptions: MemoryLogOptions = {},
  clock = systemClock,
): Bench {
  const log = memoryLog(logOptions);
  let counted = false;
  const waiting: (() => void)[] = [];
  const waits = Promise.withResolvers<void>();
  const progress = {
    isCounted: () => counted,
    waitCounted: (_ranges: unknown, signal: AbortSignal) =>
      new Promise<boolean>((resolve) => {
        waiting.push(() => resolve(true));
        waits.resolve();
        signal.addEventListener("abort", () => resolve(false), { once: true });
      }),
  };
  const ingest = new Ingest({ log, progress, clock, limits });
  const routes = [ingestRoutes(ingest, systemClock)];
  const server = documented(createServer({ title: "Test", version: "0", logger: false, routes }));
  after(() => server.close());
  return {
    server,
    log,
    ingest,
    countAll: () => ((counted = true), waiting.splice(0).forEach((wake) => wake())),
    waits: waits.promise,
    stored: () => log.records.flatMap((record) => unpack(record.events).map((one) => one.event_id)),
    send: async (body, { type = json, query = "", encoding } = {}) => {
      const payload = Buffer.isBuffer(body) || typeof body === "string" ? body : JSON.stringify(body);
      const answer = await server.inject({
        method: "POST",
        url: `/ingest${query}`,
        headers: { "content-type": type, ...(encoding ? { "content-encoding": encoding } : {}) },
        payload,
      });
      return { status: answer.statusCode, headers: answer.headers, json: answer.json() };
    },
  };
}
