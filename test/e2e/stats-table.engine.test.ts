import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allStats, postCounted, putRule, repeated } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const start = Date.UTC(2026, 0, 13);
const end = start + 3_600_000;
const countries = ["DE", "FR", '"', "", null, "a,b\n"];

const valueOf = (row: unknown): number => (row as { readonly value: number }).value;

describe("windows as files", () => {
  let server: ServerProcess;
  let dataDir: string;

  const address = (parameters: string): string =>
    `${server.queryUrl}/stats?rule_id=sums.5&start_time=${start}&end_time=${end}&${parameters}`;
  const get = (parameters: string, method = "GET"): Promise<Response> => repeated(address(parameters), { method });

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-files-"));
    server = await startServer({ dataDir });
    const group_by = ["event_type", "payload.country"];
    await putRule(server.queryUrl, {
      rule_id: "sums.5",
      window_size: "5m",
      metric: "sum",
      field: "payload.n",
      group_by,
    });
    const events = Array.from({ length: 600 }, (_, index) => ({
      event_id: `e${index}`,
      user_id: "u",
      event_type: index % 2 === 0 ? "click" : "view",
      timestamp: start + index * 5000,
      payload: { n: index / 10, country: countries[index % countries.length] },
    }));
    await postCounted(server.ingestUrl, events);
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("a line for each row of the list, page after page", async () => {
    const expected = await allStats(server.queryUrl, "sums.5", start, end);
    assert.ok(expected.length > 50);
    const rows: unknown[] = [];
    let cursor: string | null = null;
    do {
      const answer = await get(
        `format=ndjson&limit=17${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      assert.equal(answer.headers.get("content-type"), "application/x-ndjson; charset=utf-8");
      const lines = (await answer.text()).trimEnd().split("\n");
      rows.push(...lines.map((line): unknown => JSON.parse(line)));
      cursor = answer.headers.get("x-next-cursor");
    } while (cursor !== null);
    assert.deepEqual(rows, expected);
    assert.deepEqual(Object.keys(rows[0] as object), Object.keys(expected[0]!));
  });

  test("the group without a value is asked for by its key; the empty text is another", async () => {
    const all = await allStats(server.queryUrl, "sums.5", start, end);
    const of = (country: string | null, type?: string): unknown[] =>
      all.filter((row) => row["payload.country"] === country && (type === undefined || row["event_type"] === type));
    const asked = async (more: string): Promise<unknown[]> => allStats(server.queryUrl, "sums.5", start, end, more);
    assert.ok(of(null).length > 5 && of("").length > 5);
    assert.deepEqual(await asked("&null_group=payload.country"), of(null));
    assert.deepEqual(await asked("&null_group=payload.country&event_type=click"), of(null, "click"));
    assert.deepEqual(await asked("&group.payload.country="), of(""));
    assert.deepEqual(await asked("&null_group=payload.country&null_group=event_type"), []);
    const lines = (await (await get("format=ndjson&null_group=payload.country")).text()).trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line): unknown => JSON.parse(line)),
      of(null),
    );
    const total = (rows: unknown[]): string => rows.reduce<number>((sum, row) => sum + valueOf(row), 0).toFixed(6);
    const hours = await asked("&null_group=payload.country&step=1h&fill=zero");
    assert.equal(hours.length, 1);
    assert.equal(total(hours), total(of(null)));
  });

  test("no rows are an answer in every format", async () => {
    for (const format of ["ndjson", "csv", "parquet", "arrow"]) {
      const answer = await get(`format=${format}&event_type=none`);
      assert.equal(answer.status, 200);
      const bytes = await answer.arrayBuffer();
      assert.equal(bytes.byteLength === 0, format === "ndjson", format);
    }
  });

  test("a file to save, of the type of its format", async () => {
    const csv = await get("format=csv&limit=1&event_type=click&order=oldest");
    assert.equal(csv.headers.get("content-disposition"), 'attachment; filename="sums.5.csv"');
    assert.equal(csv.headers.get("x-complete"), "true");
    assert.equal(
      await csv.text(),
      '"window_start","event_type","payload.country","value","window_end","final"\n' +
        '"2026-01-13T00:00:00Z","click","""",29,"2026-01-13T00:05:00Z",true\n',
    );
    for (const [format, mark] of [
      ["parquet", "PAR1"],
      ["arrow", "ARROW1"],
    ] as const) {
      const bytes = Buffer.from(await (await get(`format=${format}`)).arrayBuffer()).toString("latin1");
      assert.ok(bytes.startsWith(mark) && bytes.endsWith(mark), format);
    }
  });

  test("HEAD tells what GET would, without the rows", async () => {
    const [head, whole] = [await get("format=csv&limit=5", "HEAD"), await get("format=csv&limit=5")];
    await whole.text();
    for (const name of ["content-type", "content-disposition", "x-next-cursor", "x-complete"])
      assert.equal(head.headers.get(name), whole.headers.get(name), name);
    assert.equal(await head.text(), "");
  });

  test("mistakes are answered in the one shape", async () => {
    const bad = await get("format=parquet&limit=0&group.payload.x=1");
    assert.equal(bad.status, 400);
    assert.equal(bad.headers.get("content-disposition"), null);
    const { error } = (await bad.json()) as { error: { code: string; details: { path: string }[] } };
    assert.deepEqual(
      [error.code, error.details.map(({ path }) => path).toSorted()],
      ["invalid_query", ["group.payload.x", "limit"]],
    );
    assert.equal((await fetch(`${server.queryUrl}/stats?rule_id=none&format=csv`)).status, 404);
  });

  test("however often it is asked for, and however it ends, there is room for the next", async () => {
    for (let round = 0; round < 6; round++) {
      const leaving = new AbortController();
      const asked = fetch(address("format=csv")).then((answer) => answer.body?.cancel());
      await Promise.all([
        asked,
        fetch(`${server.queryUrl}/stats?rule_id=sums.5&format=arrow`, { signal: leaving.signal }).catch(() => {}),
        new Promise((resolve) => setImmediate(resolve)).then(() => leaving.abort()),
      ]);
    }
    // A table that was broken off gives its place back soon, and long before its statement would be given up.
    for (const end = performance.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const answer = await fetch(address("format=csv"));
      await answer.text();
      if (answer.status === 200) break;
      assert.ok([429, 503].includes(answer.status) && performance.now() < end, `status ${answer.status}`);
    }
  });
});
