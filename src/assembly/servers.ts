import { randomUUID } from "node:crypto";
import type { Archiver } from "../archive/archiver.ts";
import type { Config } from "../config/options.ts";
import type { Eraser } from "../eraser/eraser.ts";
import { erasureRoutes } from "../http/erasure-routes.ts";
import { ingestRoutes } from "../http/ingest-routes.ts";
import type { HostNames } from "../http/host-names.ts";
import { liveEvents } from "../http/live-events.ts";
import { liveSocket } from "../http/live-socket.ts";
import { queryRoutes } from "../http/query-routes.ts";
import { ruleRoutes } from "../http/rule-routes.ts";
import { createServer } from "../http/server.ts";
import type { Routes, Server, ServerOptions } from "../http/server.ts";
import { Ingest } from "../ingest/ingest.ts";
import { Hub } from "../live/hub.ts";
import { observedHub } from "../live/observed.ts";
import type { Log } from "../log/log.ts";
import type { MemoryProgress } from "../progress/memory-progress.ts";
import type { PartHealth } from "../protocol/status.ts";
import { Query } from "../query/query.ts";
import type { Registry } from "../rule/registry.ts";
import { rulesToRead } from "../rulebook/rules-to-read.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import type { Store } from "../store/store.ts";
import type { Basis } from "./basis.ts";
import type { Counting } from "./counting.ts";
import { dashboard } from "./dashboard.ts";
import { type Computing, type Dependencies, type Dependency, health, partOf } from "./health.ts";

/** What takes events. */
export interface TakingParts {
  readonly log: Log;
  readonly progress: MemoryProgress;
  readonly dependencies: Dependencies;
}

/** What answers questions. */
export interface AnsweringParts extends TakingParts {
  readonly engine: Computing;
  readonly store: Store;
  readonly rules: Pick<Registry, "trouble">;
  readonly rulebook: Rulebook;
  readonly counting: Counting;
  readonly eraser: Eraser;
  /** Whether events are accepted here: how many, elsewhere, is not known. */
  readonly accepts: boolean;
  readonly archiver: Archiver | undefined;
}

const requestMs = 10_000;
/** A large body on a slow line takes long: whoever reads bodies watches that they keep coming. */
const bodyRequestMs = 600_000;
/**
 * Connections that the query port takes besides the live ones, which count there, too: the hub says to one live client too many
 * that it is, and whoever asks, for `/health` above all, is answered meanwhile.
 */
const askingConnectionsMax = 2_000;

export function ingestServer(basis: Basis, parts: TakingParts): Server {
  const { clock, metrics, config } = basis;
  const { eventsPerRequestMax, bodyBytesMax, inflightBytesMax, futureMaxMs } = config;
  const limits = { eventsMax: eventsPerRequestMax, bodyBytesMax, inFlightBytesMax: inflightBytesMax, futureMaxMs };
  const { log, progress } = parts;
  const ingest = new Ingest({ log, progress, clock, metrics: metrics.ingest, limits });
  const routes = [ingestRoutes(ingest, clock), health(metrics, parts.dependencies)];
  const server = httpServer(basis, "Weir ingestion API", routes, { requestTimeoutMs: bodyRequestMs });
  server.addHook("preClose", () => ingest.stop());
  return server;
}

/** Of a process that nobody asks for anything but how it is. */
export function healthServer(basis: Basis, dependencies: Dependencies): Server {
  return httpServer(basis, "Weir processor", [health(basis.metrics, dependencies)], { requestTimeoutMs: requestMs });
}

/** `ingestUrl` is asked for once the servers listen: where programs send events. */
export function queryServer(basis: Basis, parts: AnsweringParts, ingestUrl: () => string | undefined): Server {
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
      queryRoutes(query, clock),
      erasureRoutes(parts.eraser),
      ...[liveSocket, liveEvents].map((carry) =>
        carry(observed, { clock, origins: config.origins, hostNames: namesOf(config) }),
      ),
      health(metrics, parts.dependencies),
      dashboard(basis, parts, ingestUrl),
    ],
    { requestTimeoutMs: bodyRequestMs, connectionsMax: config.liveClientsMax + askingConnectionsMax },
  );
}

function queryOf({ clock, metrics, config }: Basis, parts: AnsweringParts): Query {
  const { store, rulebook, progress, counting, log, engine, rules, dependencies } = parts;
  return new Query({
    store,
    rules: rulesToRead(rulebook),
    progress,
    clock,
    readsAtOnce: engine.questionsAtOnce,
    fill: (series) => counting.fill(series),
    cost: (series) => counting.cost(series),
    written: () => counting.ranges(),
    knowsRules: knowsRules(parts),
    groupsMax: config.groupsMax,
    log: () => log.state(),
    rates: () => ({ ...metrics.rates(), ...(parts.accepts ? {} : { accepted: null }) }),
    parts: () => ({
      store: storePart(engine),
      ...sidePart("log", dependencies["log"]),
      rules: { ok: rules.trouble() === undefined },
      ...sideParts(dependencies),
    }),
  });
}

/** What is heard of other processes, and the archive, where there are any. */
function sideParts({ progress, archive }: Dependencies): Readonly<Record<string, PartHealth>> {
  return { ...sidePart("progress", progress), ...sidePart("archive", archive) };
}

function sidePart(name: string, dependency: Dependency | undefined): Readonly<Record<string, PartHealth>> {
  if (dependency === undefined) return {};
  const trouble = dependency.trouble();
  return { [name]: partOf(dependency, typeof trouble === "string" ? trouble : undefined) };
}

/** Whether the rules are known here by which other processes count. */
function knowsRules({ counting, rules, rulebook }: AnsweringParts): () => boolean {
  return () => counting.rules(rules.trouble() === undefined) <= rulebook.revision;
}

function startHub({ clock, logger, config }: Basis, parts: AnsweringParts): Hub {
  const { store, rulebook, progress } = parts;
  const hub = new Hub({
    store,
    rules: rulesToRead(rulebook),
    progress,
    clock,
    knowsRules: knowsRules(parts),
    process: randomUUID().replaceAll("-", ""),
    limits: { connectionsMax: config.liveClientsMax },
    onError: (error) => logger.warn({ err: error, part: "live" }, "the live feed could not read the store"),
  });
  hub.start();
  return hub;
}

type Bounds = Pick<ServerOptions, "requestTimeoutMs" | "connectionsMax">;

function httpServer(basis: Basis, title: string, routes: readonly Routes[], bounds: Bounds): Server {
  const { clock, logger, metrics, version, config } = basis;
  const { answered } = metrics.http;
  return createServer({
    ...{ title, version, logger, routes, clock, answered, ...bounds },
    hostNames: namesOf(config),
  });
}

const namesOf = ({ host, hostNames }: Config): HostNames => ({ listensOn: host, names: hostNames });

/** Damage is trouble here, where an operator looks, and none in `/ready`: events are counted all the same. */
function storePart(engine: Computing): PartHealth {
  const { answering, isLowOnDisk } = engine.state();
  const damage = engine.damage();
  const detail = damage ?? engine.describe();
  return { ok: answering && !isLowOnDisk && damage === undefined, ...(detail === undefined ? {} : { detail }) };
}
