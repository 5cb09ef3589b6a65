import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, promisify } from "node:util";
import { Weir } from "../../client/src/weir.ts";
import { unlessMissing } from "../support/needs.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

const run = promisify(execFile);
const example = (path: string): string => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
let folder: string;
let server: ServerProcess;
let env: NodeJS.ProcessEnv;
/** Of the engine, for tools. */
let toolsUrl: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-examples-"));
  const args = ["--engine-readonly-port", "0", "--log-format", "json"];
  server = await startServer({ dataDir: join(folder, "data"), args });
  toolsUrl = /"readonlyUrl":"([^"]+)"/.exec(server.output())?.[1] ?? assert.fail("the log has no read-only address");
  env = { ...process.env, INGEST_URL: server.ingestUrl, QUERY_URL: server.queryUrl, PORT: "0" };
});
after(async () => {
  await server.killGroup();
  await rm(folder, { recursive: true, force: true });
});

/** Runs an example to its end and answers what it prints; one that fails is an error. */
const printed = async (program: string, path: string): Promise<string> =>
  (await run(program, [example(path)], { env, timeout: 300_000 })).stdout;

const rowsOf = async (rule: string, from: string, to: string): Promise<(readonly unknown[])[]> => {
  const rows = await Array.fromAsync(
    new Weir({ queryUrl: server.queryUrl }).stats.rows({ rule, from, to, order: "oldest" }),
  );
  return rows.map(({ window_start, value, window_end: _end, final: _final, ...groups }) => [
    window_start,
    ...Object.values(groups),
    value,
  ]);
};

test("curl", async () => {
  const lines = (await printed("bash", "curl/orders.sh")).trim().split("\n");
  const { data } = JSON.parse(lines.at(-1) ?? "") as { data: readonly { value: number; "payload.country": string }[] };
  assert.deepEqual(
    data.map((row) => [row["payload.country"], row.value]),
    [
      ["DE", 20],
      ["FR", 5],
    ],
  );
});

test("CloudEvents", async () => {
  assert.equal(
    await printed(process.execPath, "cloudevents/send.mjs"),
    "2026-01-13T09:00:00Z parcel.delivered 2\n2026-01-13T08:00:00Z parcel.taken 2\n",
  );
});

const python = spawnSync("python3", ["--version"]).error === undefined ? undefined : "python3 is not installed";

test("sensors in Python, run twice, and counted once", unlessMissing(python), async () => {
  const first = await printed("python3", "sensors-python/sensors.py");
  assert.equal(await printed("python3", "sensors-python/sensors.py"), first);
  const [head, ...means] = first.trim().split("\n");
  assert.equal(head, "18000 readings accepted");
  const expected = await readingsByHand();
  assert.deepEqual(
    means.map((line) => line.split(" ").slice(1)),
    [...expected].map(([site, value]) => [site, String(value)]),
  );
});

/** The mean of each site, computed here from the stored events. */
async function readingsByHand(): Promise<Map<string, number>> {
  const sums = new Map<string, { hundredths: number; count: number }>();
  const events = new Weir({ queryUrl: server.queryUrl }).events;
  const wanted = { event_type: "reading", from: "2026-01-13T09:00:00Z", to: "2026-01-13T10:00:00Z", limit: 10_000 };
  for await (const { payload } of events.rows(wanted)) {
    const { site, temperature } = payload as { site: string; temperature: number };
    const { hundredths, count } = sums.get(site) ?? { hundredths: 0, count: 0 };
    sums.set(site, { hundredths: hundredths + Math.round(temperature * 100), count: count + 1 });
  }
  assert.equal(
    [...sums.values()].reduce((all, { count }) => all + count, 0),
    18_000,
  );
  const means = [...sums].map(([site, { hundredths, count }]) => [site, hundredths / (count * 100)] as const);
  return new Map(means.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

test("a web shop in Node", async () => {
  const shop = spawn(process.execPath, [example("shop-node/shop.ts")], { env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const lines = createInterface({ input: shop.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    const address = /http:\S+/.exec(await next())?.[0] ?? "";
    await fetch(`${address}/?visitor=ann`);
    for (const product of [1, 2, 2, 3]) {
      const ordered = await fetch(`${address}/orders?visitor=ann&product=${product}`, { method: "POST" });
      assert.equal(ordered.ok, true);
    }
    assert.equal((await fetch(`${address}/orders?product=9`, { method: "POST" })).status, 404);
    const wanted = { revenue: { Teapot: 24.9, Cup: 15, Spoon: 2.05 }, steps: { "shop.view": 1, "shop.order": 4 } };
    const figures = async (): Promise<unknown> => (await fetch(`${address}/figures`)).json();
    const deadline = performance.now() + 120_000;
    let seen = await figures();
    while (!isDeepStrictEqual(seen, wanted) && performance.now() < deadline) seen = await figures();
    assert.deepEqual(seen, wanted);
    shop.kill("SIGTERM");
    assert.equal(await next(), "5 events were sent");
    assert.deepEqual(await once(shop, "exit"), [0, null]);
  } finally {
    shop.kill("SIGKILL");
  }
});

interface Panel {
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly rawSql: string }[];
}

/** What Grafana's plug-in makes of its macros. */
const filled = (sql: string, from: string, to: string): string =>
  sql.replaceAll(/\$__timeFilter\((\w+)\)/g, (_all, column: string) => {
    const [first, last] = [from, to].map((time) => Math.floor(Date.parse(time) / 1000));
    return `${column} >= toDateTime(${first}) AND ${column} <= toDateTime(${last})`;
  });

async function engineRows(sql: string): Promise<(readonly unknown[])[]> {
  const response = await fetch(toolsUrl, { method: "POST", body: `${sql} FORMAT JSONCompact` });
  const text = await response.text();
  assert.ok(response.ok, text);
  return (JSON.parse(text) as { data: (readonly unknown[])[] }).data;
}

const inRfc = (time: unknown): string => `${(time as string).replace(" ", "T")}Z`;

test("Grafana's panels show on the read-only port what /stats answers", async () => {
  const { panels } = JSON.parse(readFileSync(example("grafana/dashboards/weir.json"), "utf8")) as {
    panels: readonly Panel[];
  };
  const source = readFileSync(example("grafana/provisioning/datasources/weir.yaml"), "utf8");
  for (const { datasource } of panels) assert.match(source, new RegExp(`^ +uid: ${datasource.uid}$`, "m"));
  assert.match(source, /^ +type: grafana-clickhouse-datasource$/m);
  const weir = new Weir({ ingestUrl: server.ingestUrl, queryUrl: server.queryUrl });
  const [from, to] = ["2026-02-01T00:00:00Z", "2026-02-01T06:00:00Z"];
  const order = (id: number) => ({
    event_id: `grafana-${id}`,
    user_id: `user-${id % 7}`,
    event_type: id % 3 === 0 ? "view" : "order",
    timestamp: Date.parse(from) + id * 61_000,
    payload: id % 3 === 0 ? {} : { country: id % 2 === 0 ? "DE" : "FR", price: (id * 7) / 100 },
  });
  // Before the rules, so that they are filled from history as well.
  const events = Array.from({ length: 200 }, (_, id) => order(id));
  const rules = [
    { rule_id: "panel1", window_size: "1m", metric: "count", group_by: ["event_type"] },
    {
      rule_id: "panel2",
      window_size: "1h",
      metric: "sum",
      field: "payload.price",
      decimals: 2,
      filter: 'event_type == "order"',
      group_by: ["payload.country"],
    },
    { rule_id: "panel3", window_size: "1d", metric: "uniq_exact", field: "user_id" },
    { rule_id: "panel4", window_size: "1d", metric: "count", group_by: ["event_type"] },
  ] as const;
  for (const rule of rules) await weir.rules.put({ ...rule, group_by: [...("group_by" in rule ? rule.group_by : [])] });
  await weir.ingest([...events, ...events.slice(50)], { wait: "counted" });
  const shown = await Promise.all(panels.map(({ targets }) => engineRows(filled(targets[0]?.rawSql ?? "", from, to))));
  const answered = await Promise.all(rules.map(({ rule_id }) => rowsOf(rule_id, from, to)));
  const text = (rows: readonly (readonly unknown[])[]): string[] => rows.map((row) => row.map(String).join(" ")).sort();
  const timed = (rows: readonly (readonly unknown[])[]) =>
    rows.map(([time, group, value]) => [inRfc(time), group, Number(value)]);
  const untimed = (rows: readonly (readonly unknown[])[]) => rows.map(([, ...rest]) => rest);
  assert.deepEqual(text(timed(shown[0]!)), text(answered[0]!));
  assert.deepEqual(text(timed(shown[1]!)), text(answered[1]!));
  assert.deepEqual(text(shown[2]!), text(untimed(answered[2]!)));
  assert.deepEqual(text(shown[3]!), text(untimed(answered[3]!)));
  assert.deepEqual([answered[0]!.length, answered[1]!.length], [200, 8]);
});
