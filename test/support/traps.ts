import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { embeddedFacts } from "../../src/store/clickhouse/facts.ts";
import { startEngine } from "../../src/store/clickhouse/engine/engine.ts";
import type { HarmfulPlaces } from "./hostile.ts";

const secret = "the-canary-sings";

/** A file that must not be read, one that must not be written, and an address that must not be asked. */
export class Traps {
  readonly places: HarmfulPlaces;
  readonly #folder: string;
  readonly #server: Server;
  #asked = 0;

  private constructor(folder: string, server: Server) {
    this.#folder = folder;
    this.#server = server;
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    this.places = {
      secretFile: join(folder, "s"),
      canaryFile: join(folder, "c"),
      url: `http://127.0.0.1:${address.port}/`,
    };
    server.on("connection", (socket) => {
      this.#asked += 1;
      socket.destroy();
    });
  }

  static async set(): Promise<Traps> {
    const folder = await mkdtemp(join(tmpdir(), "weir-trap-"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const traps = new Traps(folder, server);
    await writeFile(traps.places.secretFile, secret);
    return traps;
  }

  /** Fails when one of them was sprung. */
  check(): void {
    assert.equal(existsSync(this.places.canaryFile), false, "a file was written");
    assert.equal(this.#asked, 0, "an address was asked");
  }

  /** Fails when an answer holds what only the secret file or the engine can have told. */
  checkAnswer(text: string, where: string): void {
    assert.ok(!text.includes(secret), `${where} answers what is in a file`);
    const leak = /DB::|Exception|\bchdb\b|Code: \d|(?:src|node_modules)\/[\w/.-]+:\d+|Stack trace/i.exec(text);
    assert.equal(leak, null, `${where} answers what is inside: ${text.slice(0, 500)}`);
  }

  async remove(): Promise<void> {
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface Change {
  readonly table: string;
  readonly command: string;
}

interface Inventory {
  readonly databases: readonly object[];
  readonly tables: readonly object[];
  readonly functions: readonly object[];
  readonly mutations: readonly Change[];
}

/** What is there in the store of a server that is not running: databases, tables with their columns, functions, changes of data other than of windows. */
export async function inventory(dataDir: string): Promise<Inventory> {
  const engine = await startEngine({ dataDir, clock: systemClock });
  const { username, password } = engine;
  const url = (): string => engine.url();
  const connection = new Connection({
    url,
    username,
    password,
    database: "weir",
    requestTimeoutMs: 30_000,
    newId: randomUUID,
    facts: embeddedFacts(engine.spoolFolder),
  });
  try {
    const rows = <Row = object>(sql: string): Promise<Row[]> => connection.rows<Row>({ sql, parameters: {} });
    return {
      databases: await rows("SELECT name FROM system.databases ORDER BY name"),
      tables: await rows(
        "SELECT database, name, create_table_query FROM system.tables WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') ORDER BY name",
      ),
      functions: await rows("SELECT name FROM system.functions WHERE origin != 'System' ORDER BY name"),
      mutations: await rows<Change>("SELECT table, command FROM system.mutations WHERE table != 'rollups'"),
    };
  } finally {
    await connection.close();
    await engine.stop();
  }
}
