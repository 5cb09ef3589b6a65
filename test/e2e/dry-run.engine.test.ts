import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { postCounted, putRule, repeated, ruleOnce, rules, rulesSettled } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const start = Date.UTC(2026, 0, 13);
const bodies = [
  { rule_id: "a", window_size: "5m", metric: "count", group_by: ["event_type", "payload.country"] },
  { rule_id: "b", window_size: "1h", metric: "sum", field: "payload.n", decimals: 2, filter: "payload.n > 10" },
  { rule_id: "c", window_size: "1d", timezone: "Asia/Tokyo", metric: "p90", field: "payload.n", group_by: ["user_id"] },
  { rule_id: "d", window_size: "10m", metric: "uniq_exact", field: "payload.country", late_policy: "drop" },
  { rule_id: "e", window_size: "1m", metric: "last", field: "payload.n" },
];

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly data: readonly { readonly final: unknown }[] };
}

describe("a dry run", () => {
  let server: ServerProcess;
  let dataDir: string;

  const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await repeated(`${server.queryUrl}${path}`, init);
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  };
  const dryRun = (body: object): Promise<Answer> =>
    ask("/aggregation-rule?dry_run=true", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-dry-run-"));
    server = await startServer({ dataDir });
    const events = Array.from({ length: 900 }, (_, index) => ({
      event_id: `e${index}`,
      user_id: `u${index % 3}`,
      event_type: index % 2 === 0 ? "click" : "view",
      timestamp: start + index * 5000,
      payload: { n: index % 7 === 0 ? "x" : index / 10, country: ["DE", "FR", null, "a,b\n"][index % 4] },
    }));
    await postCounted(server.ingestUrl, events);
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("answers what the rule then answers, and leaves nothing behind", async () => {
    for (const body of bodies) {
      const tried = await dryRun(body);
      assert.equal(tried.status, 200, JSON.stringify(tried.body));
      assert.deepEqual(await rules(server.queryUrl), []);
      await putRule(server.queryUrl, body);
      await rulesSettled(server.queryUrl);
      const range = `start_time=${start - 86_400_000}&end_time=${start + 86_400_000}`;
      const stats = await ask(`/stats?rule_id=${body.rule_id}&${range}&limit=100`);
      assert.deepEqual(withoutFinal(tried.body), withoutFinal(stats.body), body.rule_id);
      const counts = ({ skipped, late, groups }: Record<string, unknown>) => ({ skipped, late, groups });
      const isCounted = (one: Record<string, unknown>) => isDeepStrictEqual(counts(one), counts(tried.body));
      const rule = await ruleOnce(server.queryUrl, body.rule_id, isCounted);
      assert.deepEqual(counts(tried.body), counts(rule), body.rule_id);
      const done = ({ body: { effect, fills } }: Awaited<ReturnType<typeof dryRun>>) => [effect, fills];
      assert.deepEqual(done(tried), ["create", true]);
      assert.deepEqual(done(await dryRun(body)), ["none", false]);
      assert.deepEqual(done(await dryRun({ ...body, retention: "3000d" })), ["change", false]);
      assert.deepEqual(done(await dryRun({ ...body, filter: 'event_type != "never"' })), ["change", true]);
      await ask(`/aggregation-rule/${body.rule_id}`, { method: "DELETE" });
    }
  });

  test("a rule with mistakes is refused with all of them", async () => {
    const { status, body } = await dryRun({ rule_id: "!", window_size: "1y", metric: "sums" });
    assert.equal(status, 422);
    const { code, details } = body["error"] as { code: string; details: readonly { path: string }[] };
    assert.equal(code, "invalid_rule");
    assert.deepEqual(details.map(({ path }) => path).toSorted(), ["metric", "rule_id", "window_size"]);
  });
});

const withoutFinal = ({ data }: Answer["body"]): unknown => data.map((row) => ({ ...row, final: undefined }));
