import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { rollupColumns } from "../../src/rollup/metrics.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { type Engine, startEngine } from "../../src/store/clickhouse/engine/engine.ts";
import { embeddedFacts } from "../../src/store/clickhouse/facts.ts";
import { firstTables } from "../../src/store/clickhouse/schema.ts";

export interface EmbeddedEngine {
  /** To a database with the schema. */
  readonly connection: Connection;
  /** To a database of this name with a schema of its own. Closed by who asked for it. */
  database(name: string): Promise<Connection>;
  /** To a database that is there, by another way, which gives up soon. */
  through(url: string, name: string): Connection;
  readonly url: string;
  close(): Promise<void>;
}

/** The embedded engine on a folder of its own, with the schema, for tests of SQL. `memoryMax`: bytes that it may use. */
export async function openEmbeddedEngine(options: { readonly memoryMax?: number } = {}): Promise<EmbeddedEngine> {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-engine-"));
  const engine = await startEngine({ dataDir, clock: systemClock, ...options });
  const database = (name: string): Promise<Connection> => connect(engine, name, options.memoryMax);
  const through = (url: string, name: string): Connection => connectionTo(engine, () => url, name, 3_000);
  const connection = await database("weir");
  const close = async (): Promise<void> => {
    await connection.close();
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { connection, database, through, url: engine.url(), close };
}

async function connect(engine: Engine, database: string, memoryMax?: number): Promise<Connection> {
  // As long as the product waits: a busy machine takes its time.
  const connection = connectionTo(engine, () => engine.url(), database, 300_000, memoryMax);
  await connection.createDatabase();
  for (const sql of firstTables(connection.facts, rollupColumns())) {
    // A test survives no power loss; without the waiting for the disk it is several times as fast.
    await connection.write({ sql: sql.replaceAll(/(\w*fsync\w*) = 1/g, "$1 = 0"), parameters: {} });
  }
  return connection;
}

/** A connection of one's own to an engine. Closed by who asked for it. */
export function connectionTo(
  engine: Engine,
  url: () => string,
  database: string,
  requestTimeoutMs: number,
  memoryMax?: number,
): Connection {
  const { username, password } = engine;
  const facts = { ...embeddedFacts(engine.spoolFolder, memoryMax), rowsBy: "body" } as const;
  return new Connection({ url, username, password, database, requestTimeoutMs, newId: randomUUID, facts });
}
