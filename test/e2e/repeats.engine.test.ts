import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { allEvents, ask, postCounted, putRule, repeated, totals, untilCounted } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const hour = 3_600_000;
const day = Date.UTC(2026, 0, 13);
const spanEnd = day + 72 * hour;
/** Six times as many ids as the server may remember, over two days. */
const events = Array.from({ length: 6000 }, (_, index) => ({
  event_id: `event-${index}`,
  user_id: `user-${index % 7}`,
  event_type: "click",
  timestamp: day + index * 30_000,
  payload: { index },
}));
/** Of the latest ids, which are surely remembered: half of them with an earlier time, half with a later one. */
const changed = events.slice(-50).map((event, index) => ({
  ...event,
  timestamp: event.timestamp + (index % 2 ? 10 : -10) * hour,
  payload: { index },
}));
const perHour = 120;

async function countsByHour(server: ServerProcess): Promise<number[]> {
  const span = `start_time=${day}&end_time=${spanEnd}&order=oldest`;
  const answer = (await ask(`${server.queryUrl}/stats?rule_id=hourly&limit=1000&${span}`)) as {
    data: { window_start: string; value: number }[];
  };
  return answer.data.map((row, index) => {
    assert.equal(Date.parse(row.window_start), day + index * hour);
    return row.value;
  });
}

/** All that is stored, by the number in the id; of one id the earlier first. */
async function stored(server: ServerProcess): Promise<object[]> {
  const rows = await allEvents(server.queryUrl, day, spanEnd);
  const all = rows.map(({ event_id, user_id, event_type, timestamp, payload }) => ({
    event_id: String(event_id),
    user_id,
    event_type,
    timestamp: Date.parse(String(timestamp)),
    payload,
  }));
  const numberOf = ({ event_id }: { event_id: string }): number => Number(event_id.slice("event-".length));
  return all.sort((a, b) => numberOf(a) - numberOf(b) || a.timestamp - b.timestamp);
}

async function post(server: ServerProcess, some: readonly object[]): Promise<{ readonly token: string }> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(some) };
  return (await (await repeated(`${server.ingestUrl}/ingest`, init)).json()) as { token: string };
}

test("a repeated id counts once: at once, later than memory reaches, and after a restart; changed, while it is remembered", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-repeats-"));
  const start = (): Promise<ServerProcess> => startServer({ dataDir, args: ["--dedupe-ids-max", "1000"] });
  let server = await start();
  try {
    await putRule(server.queryUrl, { rule_id: "hourly", window_size: "1h", metric: "count", group_by: [] });
    await postCounted(server.ingestUrl, [...events, ...changed]);
    const expected = Array.from({ length: 50 }, () => perHour);
    assert.deepEqual(await countsByHour(server), expected);

    const { token } = await post(server, [...changed, ...events.slice(0, 3000).toReversed()]);
    await untilCounted(server.ingestUrl, token, 5);
    assert.deepEqual(await totals(server.queryUrl), { events: 9100, duplicates: 3100 });
    assert.deepEqual(await countsByHour(server), expected);

    await server.killGroup();
    server = await start();
    await untilCounted(server.ingestUrl, token, 1);
    await postCounted(server.ingestUrl, [...changed, ...events.slice(2000), ...events.slice(5000)]);
    assert.deepEqual(await totals(server.queryUrl), { events: 14_150, duplicates: 8150 });
    assert.deepEqual(await countsByHour(server), expected);
    assert.deepEqual(await stored(server), events, "what came first is what stays");

    // Here the promise ends: the first id is long forgotten, and nothing is stored of it at its other time.
    const forgotten = { ...events[0]!, timestamp: events.at(-1)!.timestamp };
    await postCounted(server.ingestUrl, [forgotten]);
    assert.deepEqual(await totals(server.queryUrl), { events: 14_151, duplicates: 8150 });
    assert.deepEqual(await countsByHour(server), expected.with(49, perHour + 1));
    assert.deepEqual(await stored(server), [events[0], forgotten, ...events.slice(1)]);
  } finally {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  }
});
