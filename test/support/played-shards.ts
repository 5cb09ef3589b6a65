import { createClient } from "@clickhouse/client";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { tablesOfWhole, wholeOf } from "../../src/store/clickhouse/whole.ts";
import { serveOnLoopback } from "./loopback.ts";
import { statementOf } from "./request-form.ts";
import type { ServerAccess } from "./server-store.ts";
import { type StandAloneEngine, startStandAloneEngine } from "./stand-alone-engine.ts";
import { handOn } from "./tardy-proxy.ts";

export const playedCluster = "played";
/** Like it, but that nobody listens where its last shard is. */
export const brokenCluster = "broken";

/** Several servers, and the engine that is all of them. */
export interface PlayedShards extends StandAloneEngine, Sharded {}

export interface Sharded {
  /** Addresses of the servers, in their order. */
  readonly urls: readonly string[];
}

/**
 * One engine that is several ClickHouse servers to whoever asks at their addresses: the database of that name is another at each. The
 * engine's own cluster has as many shards, all of them itself, and what is `Distributed` over it reads at each the rows of that one. So
 * statements over all shards are planned, sent, computed on each and put together as ClickHouse does it; only the line is not there.
 */
export async function startPlayedShards(count = 2, heard: Heard = () => {}): Promise<PlayedShards> {
  const engine = await startStandAloneEngine(clusters(count));
  const views = onceEach((database) => makeViews(engine, count, database));
  const proxies = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      serveOnLoopback((incoming, answer) => pass(engine, { index, views, heard }, incoming, answer)),
    ),
  );
  const close = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await engine.close();
  };
  return { ...engine, urls: proxies.map(({ url }) => url), close };
}

/** Hears of each statement, and to which database it is sent. */
export type Heard = (statement: string, database: string) => void;

interface Played {
  readonly heard: Heard;
  readonly index: number;
  /** What reads over all of a database is over these, which must be there first. */
  readonly views: (database: string) => Promise<void>;
}

async function pass(
  engine: ServerAccess,
  played: Played,
  incoming: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const { index, views, heard } = played;
  const body = await buffer(incoming);
  const statement = statementOf(incoming, body);
  const read = /ENGINE = Distributed\('\w+', '(\w+)'/.exec(statement)?.[1];
  if (read !== undefined) await views(read);
  const url = new URL(incoming.url ?? "/", engine.url);
  heard(statement, url.searchParams.get("database") ?? "");
  for (const name of ["database", "param_database"]) {
    const database = url.searchParams.get(name);
    if (database !== null && isShared(database)) url.searchParams.set(name, ownOf(database, index));
  }
  const got = await handOn(engine.url, Object.assign(incoming, { url: `${url.pathname}${url.search}` }), body);
  answer.writeHead(got.status, got.headers).end(got.text);
}

const isShared = (database: string): boolean =>
  database !== "system" && database !== wholeOf(database.replace(/_whole$/, ""));
const ownOf = (database: string, index: number): string => `${database}_${index + 1}`;

async function makeViews({ url, username, password }: ServerAccess, count: number, database: string): Promise<void> {
  const client = createClient({ url, username, password });
  try {
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
    for (const table of tablesOfWhole) {
      const own = Array.from({ length: count }, (_, index) => rowsOf(`${ownOf(database, index)}.${table}`, index + 1));
      await client.command({ query: `CREATE VIEW IF NOT EXISTS ${database}.${table} AS ${own.join(" UNION ALL ")}` });
    }
  } finally {
    await client.close();
  }
}

const rowsOf = (table: string, shard: number): string => `SELECT * FROM ${table} WHERE shardNum() = ${shard}`;

/** The engine takes an address with its own port for itself; nobody listens there, nor at the last one. */
function clusters(count: number): string {
  const shard = (port: number): string =>
    `<shard><replica><host>127.0.0.1</host><port>${port}</port></replica></shard>`;
  const all = { [playedCluster]: shard(9000).repeat(count), [brokenCluster]: shard(9000).repeat(count - 1) + shard(1) };
  const named = Object.entries(all).map(([name, shards]) => `<${name}>${shards}</${name}>`);
  return `<clickhouse><tcp_port>9000</tcp_port><remote_servers>${named.join("")}</remote_servers></clickhouse>\n`;
}

function onceEach(work: (name: string) => Promise<void>): (name: string) => Promise<void> {
  const done = new Map<string, Promise<void>>();
  return (name) => done.get(name) ?? (done.set(name, work(name)), done.get(name)!);
}
