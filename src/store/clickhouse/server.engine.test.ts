import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type BoundedProxy, openBoundedProxy } from "../../../test/support/bounded-proxy.ts";
import { serverStore } from "../../../test/support/server-store.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../../../test/support/stand-alone-engine.ts";
import { type TardyProxy, openTardyProxy } from "../../../test/support/tardy-proxy.ts";
import { offset, src } from "../../event/position.ts";
import { rollupColumns } from "../../rollup/metrics.ts";
import { planRollup } from "../../rollup/plan.ts";
import { longValueCases } from "../long-values.suite.ts";
import { countByType, event, piece, range, start } from "../store-samples.suite.ts";
import { storeSuite } from "../store.suite.ts";
import { firstTables } from "./schema.ts";
import { selectSetAside, whereaboutsOf } from "./set-aside.ts";

/*
 * The store on a server that others run; and whether the grants in docs/operating.md are enough for every statement that it sends
 * there. The engine here has no users: what each kind of statement needs is known from ClickHouse's documentation and sources, and
 * stands below.
 */

const statements = new Set<string>();
let server: StandAloneEngine;
let bounds: BoundedProxy;
let line: TardyProxy;

before(async () => {
  server = await startStandAloneEngine();
  bounds = await openBoundedProxy(server.url);
  line = await openTardyProxy(bounds.url, (statement) => {
    // A ping asks for nothing.
    if (statement !== "") statements.add(statement);
    return undefined;
  });
});
after(async () => {
  await line.close();
  await bounds.close();
  await server.close();
});

storeSuite(
  "ClickHouse as a server that others run, rows sent as bodies and partitions claimed,",
  async () => {
    const { store } = serverStore({ ...server, url: line.url }, "weir");
    return { store, cleanup: () => store.close() };
  },
  longValueCases,
);

test("nothing of it was beyond a server's bounds, and what would have been came as forms", () => {
  assert.equal(bounds.met.refused, 0);
  assert.ok(bounds.met.forms >= 10, `${bounds.met.forms} forms`);
});

describe("what the suite does not ask", () => {
  test("is asked as well", async () => {
    const { store, connection } = serverStore({ ...server, url: line.url }, "earlier");
    const signal = new AbortController().signal;
    await connection.createDatabase();
    for (const sql of firstTables(connection.facts, rollupColumns().slice(0, -1)))
      await connection.write({ sql: sql.replace("fsync_after_insert = 1, ", ""), parameters: {} });
    await store.open(signal);
    const at = range(1, 0, 0);
    const plan = planRollup([{ series: 20, rule: countByType }]);
    await store.insertRaw(src(1), [piece(0, [event("a")])]);
    await store.rollUp({ range: at, plan, marks: [{ series: 0, range: at }], counts: null });
    await store.tryRollUp(at, plan);
    await store.newestSeries();
    await store.tryOut({ rule: countByType, eventsMax: 10, limit: 10, keptFrom: 0 }, signal);
    const selection = { series: 20, rule: countByType, from: 0, to: start + 86_400_000, filters: [] } as const;
    const table = await store.windowTable(
      { ...selection, order: "newest", limit: 10, format: "csv", finalThrough: start },
      signal,
    );
    (await table.read(signal)).resume();
    for (const kind of ["events", "values"] as const)
      await store.compare({ series: 20, rule: countByType, ranges: [at], from: 0, limit: 10 }, kind, signal);
    await connection.kill(["none"], "SYNC");
    await connection.rows(selectSetAside);
    const part = {
      name: "broken-on-start_p_1_1_0",
      partition: "p",
      low: 1,
      high: 1,
      table: "raw_events",
      written: 0,
      full_name: "",
      path: "",
    };
    await whereaboutsOf(connection, { ...part, engine: "MergeTree" });
    await store.marks(0, src(1), offset(0));
    await store.close();
  });
});

test("the documented grants cover all of it", (t) => {
  const page = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");
  // What several servers need besides: shards.engine.test.ts.
  const granted = grantsIn(page.slice(0, page.indexOf("### Several ClickHouse servers")));
  assert.ok(granted.length >= 6, "the page has grants");
  const needed = new Map<string, string>();
  for (const statement of statements)
    for (const one of needs(statement)) needed.set(`${one.right} ON ${one.on}`, statement);
  const lacking = [...needed].filter(([need]) => {
    const [right = "", on = ""] = need.split(" ON ");
    return !granted.some((grant) => grant.right === right && covers(grant.on, on));
  });
  assert.deepEqual(lacking, []);
  const kinds = new Set([...needed.keys()].map((need) => need.split(" ON ")[0]));
  t.diagnostic(`${statements.size} statements need ${[...needed.keys()].toSorted().join(", ")}`);
  const idle = granted.filter(({ right }) => !kinds.has(right));
  assert.deepEqual(idle, [], "nothing is granted that nothing needs");
});

interface Need {
  readonly right: string;
  /** `database.table`, with stars. */
  readonly on: string;
}

/** Tables of the system that everybody may read, of what he may see. */
const open = new Set(["one", "databases", "tables", "columns"]);

function needs(statement: string): Need[] {
  const sql = statement.trim();
  const on = (pattern: RegExp): string => `weir.${pattern.exec(sql)?.[1] ?? "*"}`;
  const read = [...sql.matchAll(/\bsystem\.(\w+)/g)].filter(([, name]) => !open.has(name ?? ""));
  const reads = [
    { right: "SELECT", on: "weir.*" },
    ...read.map(([, name]) => ({ right: "SELECT", on: `system.${name}` })),
  ];
  if (sql.startsWith("CREATE DATABASE")) return [];
  if (/^(SELECT|WITH)\b/.test(sql)) return reads;
  if (sql.startsWith("INSERT INTO")) {
    const body = /\binput\(/.test(sql) ? [{ right: "CREATE TEMPORARY TABLE", on: "*.*" }] : [];
    return [{ right: "INSERT", on: on(/^INSERT INTO (\w+)/) }, ...reads, ...body];
  }
  if (sql.startsWith("CREATE TABLE"))
    return [{ right: "CREATE TABLE", on: on(/^CREATE TABLE (?:IF NOT EXISTS )?(\w+)/) }];
  if (sql.startsWith("DROP TABLE")) return [{ right: "DROP TABLE", on: on(/^DROP TABLE (?:IF EXISTS )?(\w+)/) }];
  if (/^ALTER TABLE \w+ ADD COLUMN/.test(sql)) return [{ right: "ALTER ADD COLUMN", on: on(/^ALTER TABLE (\w+)/) }];
  if (/^ALTER TABLE \w+ MODIFY SETTING/.test(sql)) return [{ right: "ALTER SETTINGS", on: on(/^ALTER TABLE (\w+)/) }];
  if (/^ALTER TABLE \w+\s+(DELETE|APPLY DELETED MASK)/.test(sql))
    return [{ right: "ALTER DELETE", on: on(/^ALTER TABLE (\w+)/) }, ...reads];
  // A light deletion is an update of a hidden column underneath.
  if (sql.startsWith("DELETE FROM"))
    return [...["ALTER DELETE", "ALTER UPDATE"].map((right) => ({ right, on: on(/^DELETE FROM (\w+)/) })), ...reads];
  if (sql.startsWith("KILL QUERY")) return [{ right: "SELECT", on: "system.processes" }];
  throw new Error(`what does this need? ${sql.slice(0, 200)}`);
}

function grantsIn(page: string): Need[] {
  return [...page.matchAll(/^GRANT (.+) ON (\S+) TO weir;$/gm)].flatMap(([, rights = "", on = ""]) =>
    rights.split(", ").map((right) => ({ right, on })),
  );
}

function covers(granted: string, needed: string): boolean {
  const [database = "", table = ""] = granted.split(".");
  const [asked = "", name = ""] = needed.split(".");
  return (database === "*" || database === asked) && (table === "*" || table === name);
}
