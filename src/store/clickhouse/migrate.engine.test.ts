import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ServerStore, serverStore } from "../../../test/support/server-store.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../../../test/support/stand-alone-engine.ts";
import { seeded } from "../../../test/support/random.ts";
import { rollupColumns } from "../../rollup/metrics.ts";
import type { Connection } from "./connection.ts";
import { type MigrateOptions, migrate } from "./migrate.ts";
import { schemaSteps } from "./schema-steps.ts";
import { firstTables } from "./schema.ts";

let server: StandAloneEngine;
const opened: ServerStore[] = [];

before(async () => {
  server = await startStandAloneEngine();
});
after(async () => {
  await Promise.all(opened.map(({ store }) => store.close()));
  await server.close();
});

function on(database: string): Connection {
  const one = serverStore(server, database);
  opened.push(one);
  return one.connection;
}

const how = (connection: Connection, more: Partial<MigrateOptions> = {}): MigrateOptions => ({
  ...{ connection, facts: connection.facts, database: connection.whom.database },
  ...{ steps: schemaSteps, version: "1.0.0", change: true },
  ...more,
});

/** Every table with its columns and clauses. */
async function tablesOf(connection: Connection): Promise<object> {
  const sql = `SELECT name, replaceAll(create_table_query, currentDatabase(), 'db') AS made FROM system.tables
    WHERE database = currentDatabase() ORDER BY name`;
  return connection.rows<object>({ sql, parameters: {} });
}

const stepsOf = (connection: Connection): Promise<object[]> =>
  connection.rows({ sql: "SELECT step, weir FROM schema_steps ORDER BY step", parameters: {} });

test("steps are done once and noted with the version that did them", async () => {
  const connection = on("once");
  const done: string[] = [];
  const applied = (what: string): void => void done.push(what);
  await migrate(how(connection, { applied }));
  await migrate(how(connection, { applied, version: "2.0.0" }));
  assert.deepEqual(await stepsOf(connection), [
    { step: 1, weir: "1.0.0" },
    { step: 2, weir: "1.0.0" },
  ]);
  assert.equal(done.length, schemaSteps.length);
});

test("what a newer version has changed is refused by its name, and left as it is", async () => {
  const connection = on("newer");
  const newer = [...schemaSteps, { step: 3, name: "sessions", statements: () => [] }];
  await migrate(how(connection, { steps: newer, version: "9.9.9" }));
  await assert.rejects(migrate(how(connection)), {
    code: "store_unfit",
    message: /database newer was changed by a newer Weir \(9\.9\.9, step 3: sessions\); this one knows steps up to 2/,
  });
});

test("without leave nothing is made or changed, and what is lacking is named", async () => {
  const connection = on("forbidden");
  const forbidden = { change: false };
  await assert.rejects(migrate(how(connection, forbidden)), { code: "store_unfit", message: /lacks the database/ });
  await connection.createDatabase();
  await assert.rejects(migrate(how(connection, forbidden)), {
    code: "store_unfit",
    message: /lacks step 1 .*, step 2 .*`weir migrate`/,
  });
  assert.deepEqual(await tablesOf(connection), []);
  await migrate(how(connection));
  await migrate(how(connection, forbidden));
});

test("tables of a version that knew no steps get what they lack", async () => {
  const [earlier, fresh] = [on("earlier"), on("fresh")];
  await earlier.createDatabase();
  const write = (sql: string): Promise<void> => earlier.write({ sql, parameters: {} });
  for (const sql of firstTables(earlier.facts, rollupColumns().slice(0, -1))) await write(sql);
  await write("INSERT INTO rejects (off, reason) VALUES (7, 'kept')");
  await migrate(how(earlier));
  await migrate(how(fresh));
  assert.deepEqual(await tablesOf(earlier), await tablesOf(fresh));
  assert.deepEqual(await earlier.rows({ sql: "SELECT toUInt8(off) AS off FROM rejects", parameters: {} }), [
    { off: 7 },
  ]);
});

test("several that start at once do not disturb each other", async () => {
  const fresh = on("together_expected");
  await migrate(how(fresh));
  const all = Array.from({ length: 4 }, () => on("together"));
  await Promise.all(all.map((connection) => migrate(how(connection))));
  assert.deepEqual(await tablesOf(all[0]!), await tablesOf(fresh));
  await Promise.all(all.map((connection) => migrate(how(connection, { change: false }))));
});

/** Dies at the nth statement: the statement is done, and nobody hears of it; or it is not. */
function dying(connection: Connection, nth: number, isDone: boolean): MigrateOptions["connection"] {
  let writes = 0;
  return {
    rows: (statement) => connection.rows(statement),
    rowsOutside: (statement) => connection.rowsOutside(statement),
    createDatabase: () => connection.createDatabase(),
    write: async (statement) => {
      writes += 1;
      if (writes < nth || isDone) await connection.write(statement);
      if (writes === nth) throw new Error("killed");
    },
  };
}

test("one that is killed at any statement of a step is finished by the next", async (t) => {
  const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 1e6);
  t.diagnostic(`WEIR_SEED=${seed}`);
  const random = seeded(seed);
  const fresh = on("killed_expected");
  await migrate(how(fresh));
  let deaths = 0;
  for (let nth = 1; ; nth++) {
    const connection = on(`killed_${nth}`);
    const isDone = random.chance(0.5);
    const died = await migrate(how(connection, { connection: dying(connection, nth, isDone) })).then(
      () => false,
      () => true,
    );
    await migrate(how(connection));
    assert.deepEqual(await tablesOf(connection), await tablesOf(fresh), `killed at statement ${nth}, done: ${isDone}`);
    assert.equal((await stepsOf(connection)).length, schemaSteps.length);
    if (!died) break;
    deaths += 1;
  }
  t.diagnostic(`${deaths} deaths`);
  assert.ok(deaths >= 7, "each statement was one to die at");
});
