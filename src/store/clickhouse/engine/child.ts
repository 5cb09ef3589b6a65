/**
 * The engine child: opens the engine's folder and serves it by ClickHouse's HTTP interface on the loopback. Started by
 * `engine.ts`, told everything over the channel to its parent, and gone as soon as that channel closes.
 */
import { randomUUID } from "node:crypto";
import { systemClock } from "../../../lib/clock.ts";
import { messageOf } from "../../../lib/errors.ts";
import { Database } from "./database.ts";
import type { ExecutionParts } from "./execution.ts";
import { lane } from "./lane.ts";
import { keepGivingBack } from "./memory.ts";
import type { FromChild, ToChild } from "./messages.ts";
import { alive, merge } from "./orders.ts";
import { places } from "./places.ts";
import { Running } from "./running.ts";
import { authenticate, checkLoopbackHost, listen, makeServer } from "./server.ts";
import { readerLimits } from "./settings.ts";
import { Spool } from "./spool.ts";

const waitingMax = 256;
const drainMs = 10_000;
/** Of tools; Weir's own connection reads what it asks for. */
const stalledMs = 6000;

// What is committed survives any end, so the quickest one is the right one when nobody is left to answer to.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// A terminal and a service manager signal the whole group; the parent drains first and tells us when to stop.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("SIGHUP", () => {});
// Left alone, Node would open a port for debuggers, on which everybody on this machine may do anything.
process.on("SIGUSR1", () => {});

process.on("message", (message: ToChild) => {
  if (message.type === "start") void start(message).catch(giveUp);
});

async function start(options: Extract<ToChild, { type: "start" }>): Promise<void> {
  const database = new Database(options.path, options.configFile);
  if (!options.merges) await order(database, "SYSTEM STOP MERGES");
  keepGivingBack(systemClock, (statement) => order(database, statement));
  const spool = new Spool(process.cwd());
  // The engine's lock is ours now, so nobody else has a file here.
  await spool.clear();
  const parts: ExecutionParts = {
    database,
    running: new Running(systemClock, (id) => database.cancel(id)),
    spool,
    writes: lane(places.writes, waitingMax),
    limits: readerLimits(options.memoryMax),
  };
  const ordered = (statement: string, readonly?: boolean): Promise<void> => order(database, statement, readonly);
  process.on("message", (message: ToChild) => {
    if (message.type === "ping") void alive(ordered, () => tell({ type: "pong" }));
    if (message.type === "merge") void merge(systemClock, ordered);
    if (message.type === "stop") void stop(parts);
  });
  tell({
    type: "ready",
    port: await serve(parts, options),
    readonlyPort: await serveTools(parts, options.readonlyPort),
  });
}

function serve(parts: ExecutionParts, { secrets, port }: Extract<ToChild, { type: "start" }>): Promise<number> {
  const reads = lane(places.reads, waitingMax);
  const server = makeServer({
    parts,
    callerOf: (message) => ({ access: authenticate(message, secrets), reads }),
    newId: randomUUID,
  });
  return listen(server, port);
}

async function serveTools(parts: ExecutionParts, port: number | null): Promise<number | null> {
  if (port === null) return null;
  const reads = lane(places.tools, waitingMax);
  const callerOf = (message: Parameters<typeof checkLoopbackHost>[0]) => {
    checkLoopbackHost(message);
    return { access: "reader", reads } as const;
  };
  return listen(makeServer({ parts, callerOf, newId: randomUUID, stalledMs }), port);
}

async function order(database: Database, statement: string, readonly = false): Promise<void> {
  const none = new Map<string, string>();
  await database.run(statement, {
    label: "order",
    database: null,
    settings: none,
    parameters: none,
    format: "Null",
    readonly,
  });
}

/** Requests still under way may end; then the engine is closed and the process with it. */
async function stop(parts: ExecutionParts): Promise<void> {
  const end = systemClock.monotonic() + drainMs;
  while (parts.running.size > 0 && systemClock.monotonic() < end) await systemClock.sleep(20);
  if (parts.running.size === 0) parts.database.close();
  process.exit(0);
}

function giveUp(error: unknown): void {
  const reason = messageOf(error);
  // Exits when the message is on its way; the channel would keep the process alive.
  process.send?.({ type: "failed", reason } satisfies FromChild, () => process.exit(1));
}

function tell(message: FromChild): void {
  process.send?.(message);
}
