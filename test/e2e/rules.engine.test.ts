import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allStats, deleteRule, postCounted, putRule, rules, rulesSettled } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const start = Date.UTC(2026, 0, 13);
const types = ["click", "view", "purchase"];

/** Event `index` of a stream that anybody can compute again. */
const event = (index: number) => ({
  event_id: `e${index}`,
  user_id: `u${index % 11}`,
  event_type: types[index % types.length]!,
  timestamp: start + (index % 600) * 1000,
  payload: { price: index % 100 },
});

const countByType = (rule_id: string) => ({ rule_id, window_size: "1m", metric: "count", group_by: ["event_type"] });

describe("rules change while events flow", () => {
  let server: ServerProcess;
  let dataDir: string;
  let sent = 0;
  let flowing = true;
  let flow: Promise<void>;

  const send = async (): Promise<void> => {
    const batch = Array.from({ length: 500 }, () => event(sent++));
    await postCounted(server.ingestUrl, batch);
  };
  const total = async (ruleId: string): Promise<number> =>
    (await allStats(server.queryUrl, ruleId, start, start + 3_600_000)).reduce(
      (sum, row) => sum + Number(row.value),
      0,
    );
  const endFlow = async (): Promise<void> => {
    flowing = false;
    await flow;
    await rulesSettled(server.queryUrl);
  };
  const patch = (ruleId: string, body: object): Promise<Response> =>
    fetch(`${server.queryUrl}/aggregation-rule/${ruleId}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-rules-"));
    server = await startServer({ dataDir });
    for (let round = 0; round < 4; round++) await send();
    flow = (async () => {
      while (flowing && sent < 200_000) await send();
    })();
  });
  after(async () => {
    flowing = false;
    await flow;
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("a new rule has history and stream; a change, a pause and a resume leave no gap; a deletion disturbs nobody", async () => {
    await putRule(server.queryUrl, countByType("fresh"));
    await putRule(server.queryUrl, countByType("changed"));
    await putRule(server.queryUrl, countByType("paused"));
    await putRule(server.queryUrl, countByType("deleted"));
    await rulesSettled(server.queryUrl);
    await putRule(server.queryUrl, { ...countByType("changed"), metric: "sum", field: "payload.price" });
    assert.equal((await patch("paused", { active: false })).status, 200);
    await deleteRule(server.queryUrl, "deleted");
    await send();
    assert.equal((await patch("paused", { active: true })).status, 200);
    await endFlow();

    assert.equal(await total("fresh"), sent);
    assert.equal(await total("paused"), sent);
    const prices = Array.from({ length: sent }, (_, index) => event(index).payload.price);
    assert.equal(
      await total("changed"),
      prices.reduce((sum, price) => sum + price, 0),
    );
    assert.equal((await fetch(`${server.queryUrl}/stats?rule_id=deleted`)).status, 404);
  });

  test("a rule of a deleted id begins anew and has all of history", async () => {
    await putRule(server.queryUrl, { ...countByType("deleted"), window_size: "1h" });
    await rulesSettled(server.queryUrl);
    assert.equal(await total("deleted"), sent);
    assert.deepEqual(
      (await rules(server.queryUrl)).map((rule) => rule.rule_id),
      ["changed", "deleted", "fresh", "paused"],
    );
  });
});
