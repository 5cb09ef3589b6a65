import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allStats, postCounted, putRule, repeated, ruleOnce } from "../support/api.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

const now = Date.now();
const perRequest = 5000;
const users = 3000;

describe("more groups than a rule may have", () => {
  let server: ServerProcess;
  let dataDir: string;
  const get = (path: string): Promise<Response> => repeated(server.queryUrl + path);

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-many-groups-"));
    server = await startServer({ dataDir, args: ["--max-groups", "2500"] });
    for (const [id, more] of [
      ["default", {}],
      ["own", { max_groups: 10, top_n: 2 }],
      ["all", { group_by: [] }],
    ] as const)
      await putRule(server.queryUrl, {
        rule_id: id,
        window_size: "1d",
        metric: "count",
        group_by: ["user_id"],
        ...more,
      });
    for (let request = 0; request < 3; request++) {
      const events = Array.from({ length: perRequest }, (_, index) => ({
        event_id: `e${request}-${index}`,
        user_id: `u${(request * 700 + index) % users}`,
        event_type: "click",
        timestamp: now,
      }));
      await postCounted(server.ingestUrl, events);
    }
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("as many as the server's default have rows, and every event is in one, though ranges have more than is likely", async () => {
    const rows = await allStats(server.queryUrl, "default", 0, now + 86_400_000);
    const own = rows.filter((row) => row["overflow"] === undefined);
    assert.equal(own.length, 2500);
    assert.deepEqual(
      rows.slice(2500).map((row) => [row["user_id"], row["overflow"]]),
      [[null, true]],
    );
    assert.equal(
      rows.reduce((sum, row) => sum + Number(row["value"]), 0),
      3 * perRequest,
    );
  });

  test("a file marks the overflow in a column, unless there is none in it; top_n answers it beside the largest", async () => {
    const csv = async (query: string): Promise<string[]> =>
      (await (await get(`/stats?format=csv&rule_id=${query}`)).text()).trimEnd().split("\n");
    const [head, ...rows] = await csv("own");
    assert.equal(head, '"window_start","user_id","value","window_end","final","overflow"');
    assert.deepEqual(
      rows.map((row) => row.slice(row.lastIndexOf(",") + 1)),
      ["false", "false", "true"],
    );
    assert.equal((await csv("all"))[0], '"window_start","value","window_end","final"');
    assert.equal((await csv("own&user_id=u1"))[0], '"window_start","user_id","value","window_end","final"');
  });

  test("a dry run warns of it", async () => {
    const body = { rule_id: "tried", window_size: "1d", metric: "count", group_by: ["user_id"], max_groups: 100 };
    const response = await repeated(`${server.queryUrl}/aggregation-rule?dry_run=true`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const { groups, warnings } = (await response.json()) as { groups: number; warnings: { code: string }[] };
    assert.equal(groups, users);
    assert.ok(warnings.some(({ code }) => code === "groups_over_bound"));
  });
});

describe("groups whose windows retention has ended", () => {
  let server: ServerProcess;
  let dataDir: string;
  const day = 86_400_000;
  const by = (user_id: string, timestamp: number, count: number): object[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{ event_id: `${user_id}-${timestamp}-${index}`, user_id, event_type: "click", timestamp },
    }));
  const rule = (id: string): object => ({
    ...{ rule_id: id, window_size: "1h", metric: "count", group_by: ["user_id"], max_groups: 1, retention: "1d" },
  });
  const groups = async (id: string): Promise<unknown[]> =>
    (await allStats(server.queryUrl, id, 0, now + day)).map((row) => [row["user_id"], row["value"], row["overflow"]]);
  const once = (id: string, key: string, value: unknown): Promise<Readonly<Record<string, unknown>>> =>
    ruleOnce(server.queryUrl, id, (answer) => answer[key] === value);

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-ended-groups-"));
    server = await startServer({ dataDir, args: [] });
    await putRule(server.queryUrl, rule("live"));
    await postCounted(server.ingestUrl, by("new", now, 1));
    await postCounted(server.ingestUrl, by("old", now - 10 * day, 2));
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("a rule that is filled has room for those of the windows that are kept", async () => {
    await putRule(server.queryUrl, rule("filled"));
    assert.equal((await once("filled", "state", "live"))["state"], "live");
    assert.deepEqual(await groups("filled"), [["new", 1, undefined]]);
    const counts = await once("filled", "groups", 1);
    assert.deepEqual([counts["groups"], counts["overflowed"], counts["late"]], [1, 0, 2]);
  });

  test("what was right while it was counted live is right when it is made anew", async () => {
    assert.deepEqual(await groups("live"), [["new", 1, undefined]]);
    const rebuilt = await fetch(`${server.queryUrl}/aggregation-rule/live/rebuild`, { method: "POST" });
    assert.equal(rebuilt.status, 202);
    assert.equal((await once("live", "state", "live"))["state"], "live");
    assert.deepEqual(await groups("live"), [["new", 1, undefined]]);
  });
});
