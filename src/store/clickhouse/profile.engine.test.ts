import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { serverStore } from "../../../test/support/server-store.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../../../test/support/stand-alone-engine.ts";
import { serverFacts } from "./facts.ts";

/** Of a profile that leaves out what is beyond its bounds, as the one for impatient readers does that ClickHouse's documents show. */
const profile = {
  ...{ max_rows_to_group_by: 1000, group_by_overflow_mode: "any" },
  ...{ max_result_rows: 1000, result_overflow_mode: "break", limit: 10 },
  ...{ max_rows_to_read: 1000, read_overflow_mode: "break" },
  ...{ max_ast_elements: 5, max_expanded_ast_elements: 5, max_ast_depth: 2 },
};

let server: StandAloneEngine;
before(async () => {
  server = await startStandAloneEngine();
});
after(() => server.close());

test("every way in which the engine may leave something out is an error instead", async () => {
  const { connection } = serverStore(server, "default");
  const sql = "SELECT name FROM system.settings WHERE name LIKE '%overflow_mode%' ORDER BY name";
  const rows = await connection.rows<{ name: string }>({ sql, parameters: {} });
  await connection.close();
  assert.ok(rows.length > 8);
  const { pinned } = serverFacts();
  assert.deepEqual(
    rows.filter(({ name }) => pinned[name] !== "throw"),
    [],
  );
});

test("a server's profile that cuts off what is beyond its bounds cuts off nothing of ours", async () => {
  const proxy = await withProfile(server.url);
  const { connection } = serverStore({ ...server, url: proxy.url }, "default");
  try {
    const groups = "SELECT number % 5000 AS g, count() AS n FROM numbers(100000) GROUP BY g";
    assert.equal((await connection.rows({ sql: groups, parameters: {} })).length, 5000);
    await connection.write({
      sql: "CREATE TABLE t (g UInt64, n UInt64) ENGINE = MergeTree ORDER BY g",
      parameters: {},
    });
    await connection.write({ sql: `INSERT INTO t ${groups}`, parameters: {} });
    const counted = await connection.rows({ sql: "SELECT count() AS groups, sum(n) AS events FROM t", parameters: {} });
    assert.deepEqual(counted, [{ groups: 5000, events: 100_000 }]);
  } finally {
    await connection.close();
    proxy.close();
  }
});

/** The same server, with a profile for its users: what a request says itself is stronger. */
async function withProfile(target: string): Promise<{ url: string; close(): void }> {
  const proxy = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? "/", target);
    for (const [name, value] of Object.entries(profile))
      if (!url.searchParams.has(name)) url.searchParams.set(name, String(value));
    const { "transfer-encoding": _, ...headers } = incoming.headers;
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      const sent = request(url, { method: incoming.method, headers: { ...headers, "content-length": body.length } });
      sent.on("response", (got) => got.pipe(answer.writeHead(got.statusCode ?? 500, got.headers)));
      sent.end(body);
    });
  });
  await new Promise<void>((resolve) => void proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => (proxy.closeAllConnections(), void proxy.close()) };
}
