import assert from "node:assert/strict";
import { test } from "node:test";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { ClickHouseError, createClient, type ClickHouseClient } from "@clickhouse/client";

/** What the suite needs to know about the server it talks to. */
export interface ProtocolServer {
  url(): string;
  readonly username: string;
  readonly password: string;
  /** The authority that is trusted for https. */
  readonly ca?: Buffer | undefined;
}

/**
 * The part of ClickHouse's HTTP interface that Weir relies on, by the official client. Holds for the embedded engine and
 * for a ClickHouse server; `server` is called in each test.
 */
export function protocolSuite(server: () => ProtocolServer): void {
  const withClient = (name: string, run: (client: ClickHouseClient) => Promise<void>): void => {
    test(name, async () => {
      const client = connect(server());
      try {
        await run(client);
      } finally {
        await client.close();
      }
    });
  };

  withClient("ping, by the route and by a query", async (client) => {
    assert.equal((await client.ping()).success, true);
    assert.equal((await client.ping({ select: true })).success, true);
  });

  withClient("answers in the asked format", async (client) => {
    const query = "SELECT number AS n, toString(number) AS s FROM numbers(3) ORDER BY n";
    const json = await (await client.query({ query, format: "JSON" })).json<{ n: string; s: string }>();
    assert.deepEqual(
      json.data.map((row) => Number(row.n)),
      [0, 1, 2],
    );
    assert.equal(json.rows, 3);
    const rows = await (await client.query({ query, format: "JSONEachRow" })).json<{ s: string }>();
    assert.deepEqual(
      rows.map((row) => row.s),
      ["0", "1", "2"],
    );
    assert.equal(await (await client.query({ query, format: "CSV" })).text(), '0,"0"\n1,"1"\n2,"2"\n');
    assert.deepEqual((await executed(client, `${query} FORMAT Parquet`)).subarray(0, 4).toString(), "PAR1");
    assert.equal((await executed(client, "SELECT toUInt16(513) FORMAT RowBinary")).toString("hex"), "0102");
  });

  withClient("rows of a stream", async (client) => {
    const result = await client.query({ query: "SELECT number AS n FROM numbers(50000)", format: "JSONEachRow" });
    let count = 0;
    for await (const rows of result.stream()) count += rows.length;
    assert.equal(count, 50_000);
  });

  withClient("inserts JSONEachRow and RowBinary, with defaults for columns left out", async (client) => {
    const table = await newTable(client, "a UInt32, b String DEFAULT concat('d', toString(a)), c UInt8 DEFAULT 7");
    await client.insert({ table, format: "JSONEachRow", values: [{ a: 1, b: "x'\\\n" }, { a: 2 }] });
    await client.insert({ table, format: "JSONEachRow", values: [{ a: 3 }], columns: ["a"] });
    await insertBytes(client, `INSERT INTO ${table} FORMAT RowBinary`, [
      [4, 0, 0, 0, 1, 65, 9],
      [5, 0, 0, 0],
      [0, 1],
    ]);
    await insertBytes(client, `INSERT INTO ${table} (b, a) FORMAT RowBinary`, [[1, 66, 6, 0, 0, 0]]);
    await client.command({ query: `INSERT INTO ${table} (a) VALUES (8), (4 + 3)` });
    await client.command({ query: `INSERT INTO ${table} FORMAT JSONEachRow\n{"a":9,"b":";"}\n` });
    await client.command({ query: `INSERT INTO ${table} (a) SELECT 10` });
    const rows = await read(client, `SELECT a, b, c FROM ${table} ORDER BY a`);
    assert.deepEqual(rows, [
      ...[
        [1, "x'\\\n", 7],
        [2, "d2", 7],
        [3, "d3", 7],
        [4, "A", 9],
        [5, "", 1],
        [6, "B", 7],
      ],
      ...[
        [7, "d7", 7],
        [8, "d8", 7],
        [9, ";", 7],
        [10, "d10", 7],
      ],
    ]);
  });

  withClient("an insert says how many rows it wrote", async (client) => {
    const table = await newTable(client, "a UInt32");
    const done = await client.insert({ table, format: "JSONEachRow", values: [{ a: 1 }, { a: 2 }] });
    assert.equal(done.summary?.written_rows, "2");
  });

  withClient("an insert with a bad row, or no end, writes nothing", async (client) => {
    const table = await newTable(client, "a UInt32");
    await rejectsWith(client.insert({ table, format: "JSONEachRow", values: [{ a: 1 }, { a: "zwei" }] }), "27");
    await assert.rejects(
      insertBytes(client, `INSERT INTO ${table} FORMAT RowBinary`, [[1, 0, 0, 0, 2]]),
      ClickHouseError,
    );
    assert.deepEqual(await read(client, `SELECT count() FROM ${table}`), [[0]]);
  });

  withClient("bound parameters arrive as they were sent", async (client) => {
    for (const value of hardStrings) {
      const query = "SELECT hex({value:String}), {value:String} = {values:Array(String)}[2]";
      const query_params = { value, values: ["'", value, "]"] };
      for (const use_multipart_params of [false, true]) {
        const result = await client.query({ query, query_params, use_multipart_params, format: "JSONCompactEachRow" });
        const [row] = await result.json<[string, number]>();
        assert.deepEqual(row, [Buffer.from(value).toString("hex").toUpperCase(), 1], JSON.stringify(value));
      }
    }
  });

  withClient("parameters of many types", async (client) => {
    const query = `SELECT {i:Int64}, {f:Float64}, {b:Bool}, {n:Nullable(String)} IS NULL, {a:Array(Array(String))}, {m:Map(String, UInt8)}['k''y'],
      toString({d:DateTime64(3, 'UTC')}), {t:Identifier} FROM (SELECT 'in a column' AS x)`;
    const query_params = {
      i: "-9007199254740993",
      f: 0.1,
      b: true,
      n: null,
      a: [["a'"], []],
      m: { "k'y": 3 },
      d: new Date(1500),
      t: "x",
    };
    const result = await client.query({
      query,
      query_params,
      format: "JSONCompactEachRow",
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    const [row] = await result.json<unknown[]>();
    assert.deepEqual(row, [
      "-9007199254740993",
      0.1,
      true,
      1,
      [["a'"], []],
      3,
      "1970-01-01 00:00:01.500",
      "in a column",
    ]);
  });

  withClient("many and long parameters", async (client) => {
    const ids = Array.from({ length: 10_000 }, (_, at) => `event-${at}-${"x".repeat(30)}`);
    const result = await client.query({
      query: "SELECT length({ids:Array(String)})",
      query_params: { ids },
      format: "JSONCompactEachRow",
    });
    assert.deepEqual(
      await result.json(),
      [["10000"]].map(([n]) => [Number(n)]),
    );
  });

  withClient("a parameter without a value is an error, also after a request that had one", async (client) => {
    for (let at = 0; at < 8; at++)
      await client.query({ query: "SELECT {p:String}", query_params: { p: "old" } }).then((r) => r.text());
    for (let at = 0; at < 8; at++) await rejectsWith(client.query({ query: "SELECT {p:String}" }), "456");
  });

  withClient("settings hold for one request", async (client) => {
    const query = "SELECT getSetting('max_block_size')";
    const asked = { clickhouse_settings: { max_block_size: "1234" } };
    const before = await read(client, query);
    for (let at = 0; at < 8; at++) {
      const result = await client.query({ query, ...asked, format: "JSONCompactEachRow" });
      assert.deepEqual(await result.json(), [[1234]]);
    }
    for (let at = 0; at < 8; at++) assert.deepEqual(await read(client, query), before);
  });

  withClient("errors carry the engine's code and name", async (client) => {
    await rejectsWith(client.query({ query: "selec 1" }), "62", "SYNTAX_ERROR");
    await rejectsWith(client.query({ query: "SELECT * FROM no_such_table" }), "60", "UNKNOWN_TABLE");
    await rejectsWith(client.query({ query: "SELECT no_such_column" }), "47", "UNKNOWN_IDENTIFIER");
    await rejectsWith(client.query({ query: "SELECT {x:Int64}", query_params: { x: "1.5" } }), "457");
    await rejectsWith(
      client.query({ query: "SELECT 1", clickhouse_settings: { ["no_such_setting" as "max_threads"]: 1 } }),
      "115",
    );
    await rejectsWith(client.command({ query: "SELECT 1; SELECT 2" }), "62");
    await rejectsWith(client.command({ query: "SELECT 'open" }), "62");
    await rejectsWith(client.insert({ table: "no_such_table", format: "JSONEachRow", values: [{ a: 1 }] }), "60");
  });

  withClient("a query ends when its time is over", async (client) => {
    const query =
      "SELECT sleepEachRow(0.2) FROM numbers(50) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 100000000";
    await rejectsWith(
      client.query({ query, clickhouse_settings: { max_execution_time: 1 } }),
      "159",
      "TIMEOUT_EXCEEDED",
    );
  });

  withClient("a slow query does not hold up a fast one", async (client) => {
    const order: string[] = [];
    const slow = client
      .query({ query: "SELECT sleep(3), {p:String}", query_params: { p: "" } })
      .then((r) => r.text())
      .then(() => order.push("slow"));
    await client.query({ query: "SELECT {p:String}", query_params: { p: "" } }).then((r) => r.text());
    order.push("fast");
    await slow;
    assert.deepEqual(order, ["fast", "slow"]);
  });

  withClient("KILL QUERY … SYNC answers when the query has ended, and it writes nothing after that", async (client) => {
    const table = await newTable(client, "a UInt64");
    const query_id = `kill-${table}`;
    const query = `INSERT INTO ${table} SELECT number FROM system.numbers WHERE sleepEachRow(0.01) = 0 LIMIT 6000 SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 100000000`;
    const insert = client.command({ query, query_id }).then(
      () => null,
      (error: unknown) => error,
    );
    await untilRunning(client, `INSERT INTO ${table} `);
    const killed = await client.query({
      query: "KILL QUERY WHERE query_id = {id:String} SYNC",
      query_params: { id: query_id },
      format: "JSONEachRow",
    });
    assert.deepEqual(
      (await killed.json<{ query_id: string }>()).map((row) => row.query_id),
      [query_id],
    );
    const before = await read(client, `SELECT count() FROM ${table}`);
    const error = await insert;
    assert.ok(error instanceof ClickHouseError && error.code === "394", String(error));
    assert.deepEqual(await read(client, `SELECT count() FROM ${table}`), before);
  });

  withClient("KILL QUERY of an id that is not there answers no rows", async (client) => {
    const result = await client.query({
      query: "KILL QUERY WHERE query_id = 'it''s not there' SYNC",
      format: "JSONEachRow",
    });
    assert.deepEqual(await result.json(), []);
  });

  withClient("a caller that leaves in the middle disturbs nobody", async (client) => {
    const table = await newTable(client, "a UInt32");
    const leave = async (act: (abort_signal: AbortSignal) => Promise<unknown>): Promise<void> => {
      const controller = new AbortController();
      const done = act(controller.signal).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
      controller.abort();
      await done;
    };
    for (let at = 0; at < 6; at++)
      await leave((abort_signal) => client.query({ query: "SELECT count() FROM system.numbers", abort_signal }));
    const endless = new Readable({ read() {} });
    endless.push(Buffer.from([1, 0, 0, 0]));
    await leave((abort_signal) =>
      client.exec({ query: `INSERT INTO ${table} FORMAT RowBinary`, values: endless, abort_signal }),
    );
    assert.deepEqual(await read(client, `SELECT count() FROM ${table}`), [[0]]);
  });

  test("a wrong secret opens nothing", async () => {
    for (const wrong of [{ password: "no" }, { username: "nobody" }]) {
      const { username, password, ca } = server();
      const client = connect({ url: () => server().url(), username, password, ca, ...wrong });
      await rejectsWith(client.query({ query: "SELECT 1" }), "516", "AUTHENTICATION_FAILED");
      await client.close();
    }
  });

  withClient("a database of one's own, by the client's option", async (client) => {
    const database = `db_${unique()}`;
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
    const inside = createClient({ ...plain(server()), database });
    assert.deepEqual(await read(inside, "SELECT currentDatabase()"), [[database]]);
    await inside.close();
    assert.notDeepEqual(await read(client, "SELECT currentDatabase()"), [[database]]);
    await client.command({ query: `DROP DATABASE ${database}` });
  });
}

export const hardStrings: readonly string[] = [
  ...[
    "",
    "plain",
    "a'b",
    'a"b',
    "a\\b",
    "\\",
    "\\'",
    "''",
    "\\\\'",
    "\\N",
    "NULL",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "\n",
    "a\0b",
    "\0",
  ],
  ...[
    "ü€😀",
    "\u2028",
    "'; DROP TABLE t; --",
    "{x:String}",
    "/*",
    "--",
    "#",
    "`",
    "\b\f\v\u0007\u001b\u007f",
    "\\x41",
    "%41&param_x=1+1",
    "]",
    "['a']",
  ],
  "x".repeat(100_000),
];

export function connect(server: ProtocolServer): ClickHouseClient {
  return createClient(plain(server));
}

function plain(server: ProtocolServer) {
  const { username, password, ca } = server;
  const tls = ca === undefined ? {} : { tls: { ca_cert: ca } };
  return { url: server.url(), username, password, keep_alive: { enabled: true }, log: { level: 127 }, ...tls } as const;
}

/** Rows as arrays. */
export async function read(client: ClickHouseClient, query: string): Promise<unknown[]> {
  const clickhouse_settings = { output_format_json_quote_64bit_integers: 0 } as const;
  return (await client.query({ query, format: "JSONCompactEachRow", clickhouse_settings })).json();
}

export async function newTable(client: ClickHouseClient, columns: string): Promise<string> {
  const table = `t_${unique()}`;
  await client.command({ query: `CREATE TABLE ${table} (${columns}) ENGINE = MergeTree ORDER BY tuple()` });
  return table;
}

export async function insertBytes(
  client: ClickHouseClient,
  query: string,
  chunks: readonly (readonly number[] | Buffer)[],
): Promise<void> {
  const values = Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  );
  const { stream } = await client.exec({ query, values });
  stream.resume();
}

export async function rejectsWith(attempt: Promise<unknown>, code: string, type?: string): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof ClickHouseError, String(error));
    assert.equal(error.code, code, error.message);
    if (type !== undefined) assert.equal(error.type, type);
    return true;
  });
}

/** By its beginning: the embedded engine has ids of its own. */
async function untilRunning(client: ClickHouseClient, beginning: string): Promise<void> {
  const query = `SELECT count() FROM system.processes WHERE startsWith(query, '${beginning}')`;
  for (const end = performance.now() + 120_000; Number(await read(client, query)) === 0; await pause(20))
    assert.ok(performance.now() < end, `${beginning}has not begun, or is over`);
}

async function executed(client: ClickHouseClient, query: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await client.exec({ query })).stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

let count = 0;
const unique = (): string => `${process.pid}_${++count}`;
