import { randomUUID } from "node:crypto";
import type { Archiver } from "../archive/archiver.ts";
import type { Eraser } from "../eraser/eraser.ts";
import { erasureRoutes } from "../http/erasure-routes.ts";
import { ingestRoutes } from "../http/ingest-routes.ts";
import { liveEvents } from "../http/live-events.ts";
import { liveSocket } from "../http/live-socket.ts";
import { queryRoutes } from "../http/query-routes.ts";
import { ruleRoutes } from "../http/rule-routes.ts";
import { createServer } from "../http/server.ts";
import type { Routes, Server } from "../http/server.ts";
import { Ingest } from "../ingest/ingest.ts";
import { Hub } from "../live/hub.ts";
import { observedHub } from "../live/observed.ts";
import type { Log } from "../log/log.ts";
import type { Processor } from "../processor/processor.ts";
import type { MemoryProgress } from "../progress/memory-progress.ts";
import { Query } from "../query/query.ts";
import type { Registry } from "../rule/registry.ts";
import { rulesToRead } from "../rulebook/rules-to-read.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import type { Store } from "../store/store.ts";
import type { Basis } from "./basis.ts";
import { type Computing, archivePart, health } from "./health.ts";

/** The parts that answer requests. */
export interface ServedParts {
  readonly log: Log;
  readonly engine: Computing;
  readonly store: Store;
  readonly rules: Pick<Registry, "trouble">;
  readonly rulebook: Rulebook;
  readonly progress: MemoryProgress;
  readonly processor: Processor;
  readonly eraser: Eraser;
  readonly archiver: Archiver | undefined;
}

const requestMs = 10_000;
/** A large body on a slow line takes long; ingest itself watches that it keeps coming. */
const ingestRequestMs = 600_000;

export function ingestServer(
  basis: Basis,
  parts: Pick<ServedParts, "log" | "progress" | "store" | "engine" | "rules" | "archiver">,
): Server {
  const { clock, metrics, config } = basis;
  const { eventsPerRequestMax, bodyBytesMax, inflightBytesMax, futureMaxMs } = config;
  const limits = { eventsMax: eventsPerRequestMax, bodyBytesMax, inFlightBytesMax: inflightBytesMax, futureMaxMs };
  const { log, progress } = parts;
  const ingest = new Ingest({ log, progress, clock, metrics: metrics.ingest, limits });
  const routes = [ingestRoutes(ingest, clock), health(metrics, parts)];
  const server = httpServer(basis, "Weir ingestion API", routes, ingestRequestMs);
  server.addHook("preClose", () => ingest.stop());
  return server;
}

export function queryServer(basis: Basis, parts: ServedParts): Server {
  const { clock, metrics, config } = basis;
  const query = queryOf(basis, parts);
  const hub = startHub(basis, parts);
  const observed = observedHub(hub, metrics.live.pushed);
  metrics.watch({ liveClients: () => hub.connectionCount, rejects: () => query.rejectCount() });
  return httpServer(
    basis,
    "Weir analytics API",
    [
      ruleRoutes(parts.rulebook, query),
      queryRoutes(query),
      erasureRoutes(parts.eraser),
      ...[liveSocket, liveEvents].map((carry) => carry(observed, { clock, origins: config.origins })),
      health(metrics, parts),
    ],
    requestMs,
  );
}

function queryOf({ clock, metrics, config }: Basis, parts: ServedParts): Query {
  const { store, rulebook, progress, processor, log, engine, rules, archiver } = parts;
  return new Query({
    store,
    rules: rulesToRead(rulebook),
    progress,
    clock,
    fill: (series) => processor.fill(series),
    cost: (series) => processor.cost(series),
    written: () => processor.ranges(),
    groupsMax: config.groupsMax,
    log: () => log.state(),
    rates: () => metrics.rates(),
    parts: () => ({
      store: { ok: engine.state().answering && !engine.state().isLowOnDisk, ...detailOf(engine) },
      log: { ok: log.state().accepting },
      rules: { ok: rules.trouble() === undefined },
      ...archivePart(archiver),
    }),
  });
}

function startHub({ clock, logger, config }: Basis, { store, rulebook, progress }: ServedParts): Hub {
  const hub = new Hub({
    store,
    rules: rulesToRead(rulebook),
    progress,
    clock,
    process: randomUUID().replaceAll("-", ""),
    limits: { connectionsMax: config.liveClientsMax },
    onError: (error) => logger.warn({ err: error, part: "live" }, "the live feed could not read the store"),
  });
  hub.start();
  return hub;
}

function httpServer(basis: Basis, title: string, routes: readonly Routes[], requestTimeoutMs: number): Server {
  const { clock, logger, metrics, version } = basis;
  return createServer({ title, version, logger, routes, requestTimeoutMs, clock, answered: metrics.http.answered });
}

function detailOf(engine: Computing): { readonly detail?: string } {
  const detail = engine.describe();
  return detail === undefined ? {} : { detail };
}
