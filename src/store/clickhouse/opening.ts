import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Connection } from "./connection.ts";
import { type MigrateOptions, migrate } from "./migrate.ts";
import { stepsOf } from "./schema-steps.ts";
import { type Standing, mustBeThatShard, standingOf } from "./shards.ts";
import { mustHaveShards, mustBeRecent, troubleOf } from "./trouble.ts";
import { openWhole } from "./whole.ts";

export interface Opening extends Pick<MigrateOptions, "version" | "change" | "applied"> {
  /** Hears what is waited for, each time that it is something else. */
  readonly waiting?: (trouble: string, againMs: number) => void;
}

const firstPauseMs = 250;
const longestPauseMs = 10_000;

/** Makes sure that the server can be used, and that its tables are what this version needs. See `untilOpened`. */
export const openStore = (connection: Connection, how: Opening, clock: Clock, signal: AbortSignal): Promise<void> =>
  untilOpened(connection, () => prepare(connection, how), how, clock, signal);

/** Looks which of several servers this is, and changes nothing. See `untilOpened`. */
export const lookAt = (connection: Connection, how: Opening, clock: Clock, signal: AbortSignal): Promise<Standing> =>
  untilOpened(connection, () => standing(connection), how, clock, signal);

/** Makes sure that all servers, if there are others, can be read by this one, when each of them has been opened. See `untilOpened`. */
export async function openReading(
  connection: Connection,
  ids: readonly string[],
  how: Opening,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { shard } = connection.facts;
  if (shard === null) return;
  await untilOpened(connection, () => openWhole(connection, shard, ids, how), how, clock, signal);
}

/**
 * Waits, with growing pauses, as long as waiting can help.
 * @throws WeirError `store_unfit` with what to do; `stopping` when the signal aborts.
 */
async function untilOpened<T>(
  connection: Connection,
  open: () => Promise<T>,
  { waiting = () => {} }: Opening,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  let told = "";
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const opened = await troubleOpening(connection, open);
    if ("is" in opened) return opened.is;
    const { trouble } = opened;
    if (trouble !== told) waiting(trouble, pauseMs);
    told = trouble;
    await clock.sleep(pauseMs, signal);
    if (signal.aborted) throw new WeirError("stopping", `stopped while waiting: ${trouble}`);
  }
}

/** What may pass; all else is thrown. */
async function troubleOpening<T>(
  { whom }: Pick<Connection, "whom">,
  open: () => Promise<T>,
): Promise<{ readonly is: T } | { readonly trouble: string }> {
  try {
    return { is: await open() };
  } catch (error) {
    if (!(error instanceof WeirError) || error.code === "store_unfit") throw error;
    const { message, passes } = troubleOf(error, whom);
    if (passes && !error.canRetry) throw error;
    if (passes) return { trouble: message };
    throw new WeirError("store_unfit", message, { cause: error });
  }
}

async function prepare(connection: Connection, how: Opening): Promise<void> {
  const { facts, whom } = connection;
  await standing(connection);
  await migrate({ ...how, connection, facts, database: whom.database, steps: stepsOf(facts) });
}

/** @throws WeirError `store_unfit` when the server, its cluster or its database is not what it has to be. */
async function standing(connection: Connection): Promise<Standing> {
  const { facts, whom } = connection;
  mustBeRecent(await versionOf(connection), whom);
  const wanted = facts.shard?.count ?? 1;
  for (const cluster of new Set([facts.cluster, facts.shard?.cluster ?? null]))
    if (cluster !== null) mustHaveShards(await shardsOf(connection, cluster), wanted, cluster, whom);
  if (facts.endsWithUs) return { noted: undefined, hasCounted: false };
  const found = await standingOf(connection);
  mustBeThatShard(found, facts.shard, whom);
  return found;
}

/** @throws WeirError `store_unfit` when it is not ClickHouse that answers. */
export async function versionOf(connection: Connection): Promise<string> {
  const [row] = await connection.rowsOfAny<{ version?: unknown }>("SELECT version() AS version");
  if (typeof row?.version === "string") return row.version;
  throw notClickHouse(connection);
}

async function shardsOf(connection: Connection, cluster: string): Promise<number> {
  const sql = "SELECT toUInt32(max(shard_num)) AS shards FROM system.clusters WHERE cluster = {cluster:String}";
  const [row] = await connection.rowsOutside<{ shards: number }>({ sql, parameters: { cluster } });
  return row?.shards ?? 0;
}

const notClickHouse = ({ whom: { address } }: Connection): WeirError =>
  new WeirError("store_unfit", `what answers at ${address} is not ClickHouse: mend --clickhouse-url`);
