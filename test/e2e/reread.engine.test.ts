import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { FaultEvents } from "../faults/fault-events.ts";
import type { WireEvent } from "../faults/ledger.ts";
import { type FaultRule, recompute, rowKey } from "../faults/recompute.ts";
import { allStats, ask, postCounted, putRule, rulesSettled } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const now = Date.now();
const hourMs = 3_600_000;
const windowMs = 600_000;
const [from, to] = [now - 60 * 24 * hourMs, now + hourMs];
const rule: FaultRule = {
  rule_id: "read",
  window_size: "10m",
  metric: "sum",
  field: "payload.amount",
  group_by: ["payload.country"],
};

describe("a rule that is only read otherwise", () => {
  let server: ServerProcess;
  let dataDir: string;
  const events = new FaultEvents(now, now);
  const sent: WireEvent[] = [];

  const send = async (count: number): Promise<void> => {
    const batch = Array.from({ length: count }, () => events.make());
    sent.push(...batch);
    await postCounted(server.ingestUrl, batch);
  };
  /** Dead and alive again; with `env` it dies of the first piece of history that it fills. */
  const restart = async (env: Record<string, string> = { WEIR_FAILPOINT: "mid-backfill:1" }): Promise<void> => {
    await server.killGroup();
    server = await startServer({ dataDir, env });
  };
  const patch = async (body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${server.queryUrl}/aggregation-rule/read`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer;
  };
  const get = async (path: string): Promise<Record<string, unknown>> =>
    (await ask(server.queryUrl + path)) as Record<string, unknown>;
  const isExact = async (asked: FaultRule, version = "", keptFrom = 0): Promise<void> => {
    const rows = await allStats(server.queryUrl, "read", from, to, version);
    const isOld = (key: string): boolean => Number(JSON.parse(key)[0]) < keptFrom;
    const expected = [...recompute(asked, sent)]
      .map(([key, { value }]) => [key, value] as const)
      .filter(([key]) => !isOld(key));
    const all = rows.map((row): [string, number] => [rowKey(asked, row), Number(row["value"])]);
    // A window may end while it is being asked.
    const found = all.filter(([key]) => !isOld(key));
    assert.ok(all.length - found.length <= 10, "what is not kept is not answered");
    assert.deepEqual(new Map(found), new Map(expected));
    assert.equal(found.length, expected.length);
  };

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-reread-"));
    server = await startServer({ dataDir });
    await send(3000);
    await putRule(server.queryUrl, rule);
    await rulesSettled(server.queryUrl);
    await restart();
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("answers so at once, also when it is killed right after the change; nothing is filled again", async () => {
    const { version, state, answering_version } = await patch({ having: "value > 1000" });
    await restart();
    assert.deepEqual([version, state, answering_version], [2, "live", 2]);
    await isExact({ ...rule, having: "value > 1000" });
    await send(500);
    await isExact({ ...rule, having: "value > 1000" });
    await patch({ top_n: 2 });
    await isExact({ ...rule, having: "value > 1000", top_n: 2 });
    await patch({ version: 1 });
    await isExact(rule);
    await restart();
    await isExact(rule);
  });

  test("says the old or the new when it is killed during the change, and counts everything once", async () => {
    for (const top_n of [1, 2, 3]) {
      const change = patch({ top_n }).catch(() => undefined);
      await Promise.race([change, pause(top_n * 2)]);
      await restart();
      await change;
      const found = await get("/aggregation-rule/read");
      assert.ok(found["top_n"] === undefined || Number(found["top_n"]) <= top_n, JSON.stringify(found));
      await send(200);
      await isExact(typeof found["top_n"] === "number" ? { ...rule, top_n: found["top_n"] } : rule);
    }
  });

  test("earlier versions go on over the same windows, each in its way", async () => {
    await patch({ having: "value < 500", top_n: null });
    await send(200);
    await isExact(rule, "&version=1");
    await isExact({ ...rule, having: "value > 1000" }, "&version=2");
    const { complete, version } = await get("/stats?rule_id=read&version=2");
    assert.deepEqual([complete, version], [true, 2]);
    const { versions } = (await get("/aggregation-rule/read/versions")) as { versions: Record<string, unknown>[] };
    assert.ok(versions.every(({ readable, kept_until: until }) => readable === true && until === undefined));
  });

  test("a shorter retention is at once what all of them answer; a longer one is filled, and has everything", async () => {
    await patch({ having: null, retention: "1h" });
    const keptFrom = Date.parse(String((await get(`/stats?rule_id=read&version=1&start_time=${from}`))["from"]));
    assert.ok(keptFrom > now - 1.5 * hourMs);
    await isExact(rule, "", keptFrom + windowMs);
    await isExact(rule, "&version=1", keptFrom + windowMs);
    await restart({});
    const { state } = await patch({ retention: "3000d" });
    assert.equal(state, "filling");
    await rulesSettled(server.queryUrl);
    await send(200);
    await isExact(rule);
  });
});
