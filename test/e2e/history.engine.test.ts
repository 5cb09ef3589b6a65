import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ask, deleteRule, postCounted, putRule, rulesSettled } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const minuteMs = 60_000;
const now = Date.now();
const types = ["click", "view", "purchase"];

interface Sent {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  readonly timestamp: number;
}

/** Event `index` of a stream over the last two hours that anybody can compute again. */
const event = (index: number): Sent => ({
  event_id: `e${index}`,
  user_id: `u${index % 11}`,
  event_type: types[index % types.length]!,
  timestamp: now - 120 * minuteMs + (index % 7000) * 1000,
});

const counting = (rule_id: string, window_size: string, more: object = {}) => ({
  rule_id,
  window_size,
  metric: "count",
  group_by: ["event_type"],
  ...more,
});

describe("the history of rules is exact", () => {
  let server: ServerProcess;
  let dataDir: string;
  const sent: Sent[] = [];

  const send = async (events: readonly Sent[] = Array.from({ length: 300 }, () => event(sent.length + 1))) => {
    const batch = events.map((one, index) => ({ ...one, event_id: `s${sent.length + index}` }));
    sent.push(...batch);
    await postCounted(server.ingestUrl, batch);
  };
  const patch = async (ruleId: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${server.queryUrl}/aggregation-rule/${ruleId}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200);
    return (await response.json()) as Record<string, unknown>;
  };
  const get = async (path: string): Promise<Record<string, unknown>> =>
    (await ask(server.queryUrl + path)) as Record<string, unknown>;
  const counted = async (ruleId: string, version?: number): Promise<Map<string, number>> => {
    const id = version === undefined ? ruleId : `${ruleId}&version=${version}`;
    const url = `${server.queryUrl}/stats?rule_id=${id}&start_time=${now - 1000 * minuteMs}&end_time=${now + minuteMs}&limit=10000`;
    const { data } = (await ask(url)) as { data: Record<string, unknown>[] };
    return new Map(
      data.map((row) => [`${String(row["window_start"])} ${String(row["event_type"])}`, Number(row["value"])]),
    );
  };
  const expected = (minutes: number, events: readonly Sent[] = sent): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { timestamp, event_type } of events) {
      const start = new Date(timestamp - (timestamp % (minutes * minuteMs))).toISOString().replace(".000", "");
      counts.set(`${start} ${event_type}`, (counts.get(`${start} ${event_type}`) ?? 0) + 1);
    }
    return counts;
  };
  const sorted = (counts: Map<string, number>): unknown => [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const isExact = async (ruleId: string, minutes: number): Promise<void> =>
    assert.deepEqual(sorted(await counted(ruleId)), sorted(expected(minutes)));

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-history-"));
    server = await startServer({ dataDir });
    for (let round = 0; round < 10; round++) await send();
    await putRule(server.queryUrl, counting("neighbour", "1m"));
    await rulesSettled(server.queryUrl);
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("what came during a pause is there when the rule goes on; until then the answer says what it lacks", async () => {
    await putRule(server.queryUrl, counting("paused", "5m"));
    await rulesSettled(server.queryUrl);
    await patch("paused", { active: false });
    const before = await counted("paused");
    await send();
    assert.deepEqual(await counted("paused"), before);
    assert.equal((await get("/stats?rule_id=paused")).complete, false);
    await patch("paused", { active: true });
    await send();
    await rulesSettled(server.queryUrl);
    await isExact("paused", 5);
    assert.equal((await get("/stats?rule_id=paused")).complete, true);
    await isExact("neighbour", 1);
  });

  test("a replaced version stands still and can be read; rolled back, its rule has everything again", async () => {
    await putRule(server.queryUrl, counting("edited", "1m"));
    await rulesSettled(server.queryUrl);
    const first = expected(1);
    await patch("edited", { window_size: "10m" });
    await rulesSettled(server.queryUrl);
    await send();
    await isExact("edited", 10);
    assert.deepEqual(sorted(await counted("edited", 1)), sorted(first));
    assert.deepEqual(sorted(await counted("edited", 2)), sorted(expected(10)));
    const { versions } = (await get("/aggregation-rule/edited/versions")) as { versions: Record<string, unknown>[] };
    assert.deepEqual(
      versions.map(({ version, state, readable, kept_until }) => [version, state, readable, typeof kept_until]),
      [
        [2, "live", true, "undefined"],
        [1, "retired", true, "string"],
      ],
    );
    await patch("edited", { version: 1 });
    await rulesSettled(server.queryUrl);
    await isExact("edited", 1);
  });

  test("changed, deleted and made again while it is being filled, a rule is what it was last told to be", async () => {
    for (const size of ["2m", "3m", "4m", "5m", "6m"]) await putRule(server.queryUrl, counting("restless", size));
    await send();
    await putRule(server.queryUrl, counting("gone", "7m"));
    await deleteRule(server.queryUrl, "gone");
    await deleteRule(server.queryUrl, "restless");
    await putRule(server.queryUrl, counting("restless", "8m"));
    await putRule(server.queryUrl, counting("restless", "9m"));
    await putRule(server.queryUrl, counting("gone", "12m"));
    await send();
    await rulesSettled(server.queryUrl);
    await isExact("restless", 9);
    await isExact("gone", 12);
    await isExact("neighbour", 1);
  });

  test("many rules at once are filled together, each exactly", async () => {
    const rules = Array.from({ length: 300 }, (_, index) => counting(`many_${index}`, `${(index % 30) + 1}m`));
    const response = await fetch(`${server.queryUrl}/aggregation-rules`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rules }),
    });
    assert.equal(response.status, 200, await response.text());
    await send();
    await rulesSettled(server.queryUrl);
    for (const index of [0, 1, 29, 150, 299]) await isExact(`many_${index}`, (index % 30) + 1);
  });

  test("what ended longer ago than the retention is not answered, and nothing late brings half of it back", async () => {
    const rule = counting("kept_1h", "1m", { retention: "1h" });
    await putRule(server.queryUrl, rule);
    await rulesSettled(server.queryUrl);
    const old = { ...event(1), timestamp: now - 90 * minuteMs };
    await send([old, { ...old, timestamp: now - 30 * minuteMs }]);
    const found = await counted("kept_1h");
    const startOf = (key: string): number => Date.parse(key.split(" ")[0]!);
    const oldest = Math.min(...[...found.keys()].map(startOf));
    // The server's clock has gone on since.
    const keptFrom = now - 61 * minuteMs;
    assert.ok(oldest > keptFrom, new Date(oldest).toISOString());
    const sinceThen = [...expected(1)].filter(([key]) => startOf(key) >= oldest);
    assert.deepEqual(sorted(found), sorted(new Map(sinceThen)));
    const { from } = await get(`/stats?rule_id=kept_1h&start_time=${now - 600 * minuteMs}`);
    assert.ok(Date.parse(String(from)) > keptFrom);
    await isExact("neighbour", 1);
    await patch("kept_1h", { retention: null });
    await rulesSettled(server.queryUrl);
    await isExact("kept_1h", 1);
  });
});
