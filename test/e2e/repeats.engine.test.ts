import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ask, postCounted, putRule, repeated, totals, untilCounted } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const hour = 3_600_000;
/** Six times as many ids as the server may remember, over two days. */
const events = Array.from({ length: 6000 }, (_, index) => ({
  event_id: `event-${index}`,
  user_id: `user-${index % 7}`,
  event_type: "click",
  timestamp: Date.UTC(2026, 0, 13) + index * 30_000,
}));
const perHour = 120;

async function countsByHour(server: ServerProcess): Promise<number[]> {
  const span = "start_time=2026-01-13T00:00:00Z&end_time=2026-01-16T00:00:00Z&order=oldest";
  const answer = (await ask(`${server.queryUrl}/stats?rule_id=hourly&limit=1000&${span}`)) as {
    data: { window_start: string; value: number }[];
  };
  const first = Date.UTC(2026, 0, 13);
  return answer.data.map((row, index) => {
    assert.equal(Date.parse(row.window_start), first + index * hour);
    return row.value;
  });
}

async function post(server: ServerProcess, some: readonly object[]): Promise<{ readonly token: string }> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(some) };
  return (await (await repeated(`${server.ingestUrl}/ingest`, init)).json()) as { token: string };
}

test("a repeated id counts once: at once, later than memory reaches, and after a restart", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-repeats-"));
  const start = (): Promise<ServerProcess> => startServer({ dataDir, args: ["--dedupe-ids-max", "1000"] });
  let server = await start();
  try {
    await putRule(server.queryUrl, { rule_id: "hourly", window_size: "1h", metric: "count", group_by: [] });
    await postCounted(server.ingestUrl, events);
    const expected = Array.from({ length: 50 }, () => perHour);
    assert.deepEqual(await countsByHour(server), expected);

    const { token } = await post(server, events.slice(0, 3000).toReversed());
    await untilCounted(server.ingestUrl, token, 5);
    assert.deepEqual(await totals(server.queryUrl), { events: 9000, duplicates: 3000 });
    assert.deepEqual(await countsByHour(server), expected);

    await server.killGroup();
    server = await start();
    await untilCounted(server.ingestUrl, token, 1);
    await postCounted(server.ingestUrl, [...events.slice(2000), ...events.slice(5000)]);
    assert.deepEqual(await totals(server.queryUrl), { events: 14_000, duplicates: 8000 });
    assert.deepEqual(await countsByHour(server), expected);
  } finally {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  }
});
