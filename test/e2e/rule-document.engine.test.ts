import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allStats, postCounted, ruleOnce, rules, rulesSettled } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";

const start = Date.UTC(2026, 0, 13);

const rule = (rule_id: string, more: object = {}) => ({ rule_id, window_size: "1m", metric: "count", ...more });

describe("rules are kept as a document", () => {
  let server: ServerProcess;
  let dataDir: string;
  let sent = 0;

  const send = async (): Promise<void> => {
    const events = Array.from({ length: 300 }, () => {
      const index = sent++;
      return { event_id: `e${index}`, user_id: `u${index % 7}`, event_type: "click", timestamp: start + index * 100 };
    });
    await postCounted(server.ingestUrl, events);
  };
  const total = async (ruleId: string): Promise<number> =>
    (await allStats(server.queryUrl, ruleId, start, start + 3_600_000)).reduce(
      (sum, row) => sum + Number(row.value),
      0,
    );
  const ask = async (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    const headers = { "content-type": "application/json", ...more };
    const response = await fetch(server.queryUrl + path, {
      method,
      ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, etag: response.headers.get("etag") ?? "", text, body: JSON.parse(text) };
  };

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-document-"));
    server = await startServer({ dataDir });
    await send();
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("put, it is in force with all of history; read and put back, it changes nothing", async () => {
    const made = await ask("PUT", "/aggregation-rules", { rules: [rule("b"), rule("a", { window_size: "1h" })] });
    assert.deepEqual([made.status, made.body.created], [200, ["a", "b"]]);
    await send();
    await rulesSettled(server.queryUrl);
    assert.deepEqual([await total("a"), await total("b")], [sent, sent]);
    const read = await ask("GET", "/aggregation-rules?as=document");
    assert.equal(read.etag, made.etag);
    assert.ok(read.text.endsWith("\n}\n"));
    const back = await ask("PUT", "/aggregation-rules?delete=true", read.body, { "if-match": read.etag });
    assert.deepEqual([back.body.unchanged, back.etag], [["a", "b"], read.etag]);
    assert.deepEqual(
      (await rules(server.queryUrl)).map(({ state }) => state),
      ["live", "live"],
    );
  });

  test("rolled back, a rule has again what it had, and every event since", async () => {
    await ask("PATCH", "/aggregation-rule/a", { window_size: "5m" });
    await send();
    const back = await ask("PATCH", "/aggregation-rule/a", { version: 1 });
    assert.deepEqual(
      [back.status, back.body.version, back.body.rolled_back_to, back.body.window_size],
      [200, 3, 1, "1h"],
    );
    await send();
    await rulesSettled(server.queryUrl);
    const rows = await allStats(server.queryUrl, "a", start, start + 3_600_000);
    assert.deepEqual(
      rows.map(({ value }) => value),
      [sent],
    );
  });

  test("after a kill the same document completes what was begun, and counts stay exact", async () => {
    const document = { rules: Array.from({ length: 30 }, (_, index) => rule(`r${index}`, { group_by: ["user_id"] })) };
    const cut = ask("PUT", "/aggregation-rules?delete=true", document).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await server.killGroup();
    await cut;
    server = await startServer({ dataDir });
    const found = await rules(server.queryUrl);
    assert.ok(found.length === 2 || found.length === 30, `all or nothing, not ${found.length}`);
    const again = await ask("PUT", "/aggregation-rules?delete=true", document);
    assert.equal(again.body.created.length + again.body.unchanged.length, 30);
    await send();
    await rulesSettled(server.queryUrl);
    assert.deepEqual([await total("r0"), await total("r29")], [sent, sent]);
    assert.equal((await ask("GET", "/stats?rule_id=a")).status, 404);
    const { body } = await ask("GET", "/aggregation-rules");
    assert.equal(body.count, 30);
    for (const { rule_id: id } of document.rules)
      assert.equal((await ruleOnce(server.queryUrl, id, ({ groups }) => groups === 7))["groups"], 7, id);
  });
});
