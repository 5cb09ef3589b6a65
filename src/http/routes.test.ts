import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { FastifyInstance } from "fastify";
import { documented } from "../../test/support/documented.ts";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { systemClock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { Query } from "../query/query.ts";
import type { RuleRecord } from "../rule/registry.ts";
import { queryRoutes } from "./query-routes.ts";
import { ifMatch, ruleRoutes } from "./rule-routes.ts";
import { createServer } from "./server.ts";

type Method = "GET" | "POST" | "PATCH" | "DELETE" | "PUT";

function make() {
  const rules = new MemoryRules();
  const store = new MemoryStore();
  const calls: unknown[] = [];
  const changed = (ruleId: string): RuleRecord => (rules.set({ rule_id: ruleId }), rules.get(ruleId));
  const rulebook = {
    put: async (body: unknown, options: object) => (
      calls.push(["put", body, options]),
      { created: rules.list().length === 0, record: changed("r") }
    ),
    tryPut: async () => assert.fail("not called"),
    patch: async (id: string, body: unknown, options: object) => (
      calls.push(["patch", id, body, options]),
      changed(rules.get(id).rule_id)
    ),
    remove: async (id: string, options: { ifMatch?: number }) => {
      calls.push(["remove", id, options]);
      if (options.ifMatch === 99) throw new WeirError("version_conflict", "rule r has version 3, not 99");
      rules.delete(rules.get(id).rule_id);
    },
    rebuild: async (id: string) => void calls.push(["rebuild", rules.get(id).rule_id]),
    get: (id: string) => rules.get(id),
    document: async () => ({ tag: "0".repeat(32), rules: [] }),
    putDocument: async (body: unknown, options: object) => {
      calls.push(["document", body, options]);
      return { effect: { created: [], changed: [], unchanged: [], deleted: [], kept: [] }, tag: "1".repeat(32) };
    },
  };
  const query = new Query({
    readsAtOnce: 4,
    store,
    rules,
    progress: { countedThrough: () => 0, lagMs: () => 0 },
    written: () => [],
    groupsMax: 1000,
    cost: () => null,
    fill: () => ({ progress: 0.5, endsAt: null }),
    clock: systemClock,
    log: () => ({ bytes: 1, bytesMax: 2, accepting: true }),
    rates: () => ({ accepted: 3, counted: 4 }),
    parts: () => ({ log: { ok: true }, store: { ok: true } }),
  });
  const routes = [queryRoutes(query), ruleRoutes(rulebook, query)];
  const server = documented(createServer({ title: "Test", version: "0", logger: false, routes }));
  return { server, rules, store, calls };
}

async function ask(
  server: FastifyInstance,
  method: Method,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const answer = await server.inject({
    method,
    url,
    headers,
    ...(body === undefined ? {} : { payload: body as object }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: answer.json() };
}

describe("the rule routes", () => {
  const { server, calls, rules } = make();
  after(() => server.close());

  it("create with 201, change with 200, and name the version in the ETag", async () => {
    const created = await ask(server, "POST", "/aggregation-rule", { rule_id: "r" });
    assert.equal(created.status, 201);
    assert.equal(created.headers.etag, `"1@${created.body.changed_at}"`);
    assert.equal(created.headers.location, "/aggregation-rule/r");
    const { created_at, changed_at, ...rest } = created.body;
    assert.equal(typeof created_at, typeof changed_at);
    assert.deepEqual(rest, {
      rule_id: "r",
      window_size: "600s",
      metric: "count",
      group_by: ["event_type"],
      active: true,
      version: 1,
      answering_version: 1,
      state: "live",
      progress: 1,
      skipped: 0,
      late: 0,
      groups: 0,
      overflowed: 0,
      cost: null,
      lag_ms: 0,
    });
    const changed = await ask(server, "POST", "/aggregation-rule", { rule_id: "r" }, { "if-match": '"1"' });
    assert.equal(changed.status, 200);
    assert.deepEqual(calls.at(-1), ["put", { rule_id: "r" }, { ifMatch: 1 }]);
  });

  it("read, list and patch", async () => {
    assert.match(String((await ask(server, "GET", "/aggregation-rule/r")).headers.etag), /^"2@/);
    const list = await ask(server, "GET", "/aggregation-rules");
    assert.deepEqual([list.body.count, list.body.rules[0].rule_id], [1, "r"]);
    const patched = await ask(server, "PATCH", "/aggregation-rule/r", { active: false });
    assert.equal(patched.status, 200);
    assert.deepEqual(calls.at(-1), ["patch", "r", { active: false }, {}]);
    const versions = await ask(server, "GET", "/aggregation-rule/r/versions");
    assert.deepEqual(
      versions.body.versions.map((one: { version: number }) => one.version),
      [3, 2, 1],
    );
  });

  it("tell how far a fill is, and which version answers meanwhile", async () => {
    rules.set({ rule_id: "r", phase: "filling" });
    const { body } = await ask(server, "GET", "/aggregation-rule/r");
    assert.deepEqual([body.state, body.progress, body.version, body.answering_version], ["filling", 0.5, 4, 3]);
  });

  it("delete, on condition when asked", async () => {
    assert.equal((await ask(server, "DELETE", "/aggregation-rule/r", undefined, { "if-match": '"99"' })).status, 412);
    // As of clients that name a type with every request.
    const typed = { "content-type": "application/json" };
    const deleted = await ask(server, "DELETE", "/aggregation-rule/r", "", typed);
    assert.deepEqual(deleted.body, { rule_id: "r", status: "deleted" });
    assert.equal((await ask(server, "POST", "/aggregation-rule", "", typed)).body.error.code, "invalid_json");
    const gone = await ask(server, "GET", "/aggregation-rule/r");
    assert.deepEqual([gone.status, gone.body.error.code], [404, "unknown_rule"]);
  });

  it("take a document of all rules, on condition when asked", async () => {
    const document = { rules: [] };
    const etag = `"${"0".repeat(32)}"`;
    const read = await ask(server, "GET", "/aggregation-rules?as=document");
    assert.deepEqual([read.status, read.headers.etag, read.text], [200, etag, '{\n  "rules": []\n}\n']);
    const put = await ask(server, "PUT", "/aggregation-rules?delete=true", document, { "if-match": etag });
    assert.deepEqual([put.status, put.headers.etag], [200, `"${"1".repeat(32)}"`]);
    const said = { deleteOthers: true, dryRun: false, ifMatch: "0".repeat(32) };
    assert.deepEqual(calls.at(-1), ["document", document, said]);
    await ask(server, "PUT", "/aggregation-rules?dry_run=true&delete=false", document);
    assert.deepEqual(calls.at(-1), ["document", document, { deleteOthers: false, dryRun: true }]);
    const refused = [
      await ask(server, "PUT", "/aggregation-rules", document, { "if-match": '"3"' }),
      await ask(server, "PUT", "/aggregation-rules?delete=yes", document),
      await ask(server, "GET", "/aggregation-rules?as=text"),
    ];
    assert.deepEqual(
      refused.map(({ status, body }) => [status, body.error.details[0].path]),
      [
        [400, "If-Match"],
        [400, "delete"],
        [400, "as"],
      ],
    );
  });

  it("refuse parameters and conditions they do not know", async () => {
    const parameter = await ask(server, "POST", "/aggregation-rule?dryrun=true", {});
    assert.deepEqual([parameter.status, parameter.body.error.details[0].path], [400, "dryrun"]);
    assert.equal((await ask(server, "POST", "/aggregation-rule", {}, { "if-match": "*" })).status, 400);
    assert.deepEqual(ifMatch('W/"12"'), { ifMatch: 12 });
    const ifMadeAt = "2026-01-13T10:00:00.25Z";
    assert.deepEqual(ifMatch(`"12@${ifMadeAt}"`), { ifMatch: 12, ifMadeAt });
    const unmet = await ask(server, "POST", "/aggregation-rule", {}, { "if-none-match": '"1"' });
    assert.deepEqual([unmet.status, unmet.body.error.details[0].path], [400, "If-None-Match"]);
    await ask(server, "POST", "/aggregation-rule", { rule_id: "r" }, { "if-none-match": "*" });
    assert.deepEqual(calls.at(-1), ["put", { rule_id: "r" }, { ifNew: true }]);
  });
});

describe("the query routes", () => {
  const { server, rules, store } = make();
  after(() => server.close());

  it("answer stats, with one shape of error for what is wrong", async () => {
    const series = rules.set({ rule_id: "r", group_by: ["payload.country"] });
    const windowStart = Date.now() - (Date.now() % 600_000);
    store.set(series, { windowStart, group: ["DE"], value: 2 });
    const good = await ask(server, "GET", "/stats?rule_id=r&group.payload.country=DE");
    assert.deepEqual([good.status, good.body.count, good.body.data[0]["payload.country"]], [200, 1, "DE"]);
    assert.equal((await ask(server, "GET", "/stats?rule_id=nope")).status, 404);
    const bad = await ask(server, "GET", "/stats?limit=0");
    assert.deepEqual(
      [bad.status, bad.body.error.details.map((one: { path: string }) => one.path)],
      [400, ["rule_id", "limit"]],
    );
  });

  it("answer events as JSON", async () => {
    store.stored.push({
      src: 0,
      off: 7,
      receivedAt: 0,
      timestamp: 0,
      event_id: "e",
      event_type: "t",
      user_id: "u",
      payload: '{"a":1}',
    });
    const answer = await ask(server, "GET", "/events?event_id=e");
    assert.match(String(answer.headers["content-type"]), /^application\/json/);
    assert.deepEqual([answer.body.data[0].payload, answer.body.data[0].position], [{ a: 1 }, "0:7"]);
  });

  it("answer the status, also when the store is away", async () => {
    const well = await ask(server, "GET", "/status");
    assert.deepEqual(
      [well.body.status, well.body.events, well.body.rules, well.body.rejects],
      ["ok", 1, { live: 1, filling: 0, paused: 0 }, 0],
    );
    store.before = () => Promise.reject(new WeirError("store_unavailable", "away"));
    const ill = await ask(server, "GET", "/status");
    assert.deepEqual(
      [ill.status, ill.body.status, ill.body.events, ill.body.parts.store.ok],
      [200, "degraded", null, false],
    );
    assert.equal((await ask(server, "GET", "/stats?rule_id=r")).status, 503);
  });
});

describe("the rebuilding and verification of a rule", () => {
  it("are asked for by id", async () => {
    const { server, rules, calls } = make();
    rules.set({ rule_id: "r" });
    const rebuilt = await ask(server, "POST", "/aggregation-rule/r/rebuild");
    assert.deepEqual([rebuilt.status, rebuilt.body], [202, { rule_id: "r", status: "rebuilding" }]);
    const headers = { origin: "http://elsewhere.example" };
    assert.equal((await ask(server, "POST", "/aggregation-rule/r/rebuild", undefined, headers)).status, 403);
    assert.deepEqual(calls, [["rebuild", "r"]]);
    const verified = await ask(server, "GET", "/aggregation-rule/r/verification");
    assert.deepEqual([verified.status, verified.body.result], [200, "equal"]);
    assert.equal((await ask(server, "GET", "/aggregation-rule/s/verification")).status, 404);
    await server.close();
  });
});

describe("the document", () => {
  it("names exactly the routes that there are, each with a summary and its answers", async () => {
    const { server } = make();
    const routes: string[] = [];
    server.addHook("onRoute", ({ method, url }) => {
      const methods = typeof method === "string" ? [method] : method;
      for (const one of methods)
        if (one !== "HEAD" && !url.startsWith("/docs")) routes.push(`${one} ${url.replace(/:(\w+)/g, "{$1}")}`);
    });
    await server.ready();
    const document = (await ask(server, "GET", "/docs/json")).body;
    const documented: string[] = [];
    for (const [path, methods] of Object.entries<Record<string, { summary?: string; responses: object }>>(
      document.paths,
    )) {
      for (const [method, operation] of Object.entries(methods)) {
        documented.push(`${method.toUpperCase()} ${path}`);
        assert.ok(operation.summary, `${method} ${path} has no summary`);
        const isAnswered = "200" in operation.responses || "202" in operation.responses;
        assert.ok(isAnswered, `${method} ${path} has neither 200 nor 202`);
      }
    }
    assert.deepEqual(documented.toSorted(), routes.toSorted());
    await server.close();
  });
});
