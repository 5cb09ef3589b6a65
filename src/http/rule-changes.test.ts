import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { documented } from "../../test/support/documented.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { type Desk, withDesk } from "../../test/support/rule-desk.ts";
import { systemClock } from "../lib/clock.ts";
import { Query } from "../query/query.ts";
import { rulesToRead } from "../rulebook/rules-to-read.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import { queryRoutes } from "./query-routes.ts";
import { ruleRoutes } from "./rule-routes.ts";
import { createServer } from "./server.ts";

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: {
    readonly version?: number;
    readonly window_size?: string;
    readonly [key: string]: unknown;
    readonly error?: { readonly code: string; readonly message: string; readonly details: unknown };
  };
}

type Ask = (method: string, path: string, body?: unknown, ifMatch?: string) => Promise<Answer>;

const one = "/aggregation-rule/r";
const rule = (window_size: string) => ({ rule_id: "r", window_size, metric: "count" });

/** Two servers, as of two processes, over the same rules. */
async function withServers(run: (ask: readonly Ask[], desk: Desk) => Promise<void>): Promise<void> {
  await withDesk(async (desk) => {
    const servers = [desk.book, await desk.another()].map(serverOf);
    try {
      const urls = await Promise.all(servers.map((server) => server.listen({ host: "127.0.0.1", port: 0 })));
      await run(urls.map(askerOf), desk);
    } finally {
      for (const server of servers) await server.close();
    }
  });
}

function serverOf(book: Rulebook): ReturnType<typeof createServer> {
  const query = new Query({
    readsAtOnce: 4,
    store: new MemoryStore(),
    rules: rulesToRead(book),
    progress: { countedThrough: () => 0, lagMs: () => 0 },
    fill: () => ({ progress: 0, endsAt: null }),
    written: () => [],
    groupsMax: 1000,
    cost: () => null,
    clock: systemClock,
    log: () => ({ bytes: 0, bytesMax: 1, accepting: true }),
    rates: () => ({ accepted: 0, counted: 0 }),
    parts: () => ({}),
  });
  const routes = [ruleRoutes(book, query), queryRoutes(query)];
  return documented(createServer({ title: "Test", version: "0", logger: false, routes }));
}

const askerOf =
  (url: string): Ask =>
  async (method, path, body, ifMatch) => {
    const headers = {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
    };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(url + path, init);
    return { status: response.status, etag: response.headers.get("etag"), body: JSON.parse(await response.text()) };
  };

test("of two editors of the same version one wins, and the other is told the version that is there now", () =>
  withServers(async (ask, { book }) => {
    const [a, b] = [ask[0]!, ask[1]!];
    const { etag } = await a("POST", "/aggregation-rule", rule("1m"));
    const edits = await Promise.all([
      a("POST", "/aggregation-rule", rule("5m"), etag!),
      b("PATCH", one, { window_size: "10m" }, etag!),
    ]);
    const won = edits.find(({ status }) => status === 200)!;
    const lost = edits.find(({ status }) => status === 412)!;
    assert.deepEqual(
      [won.body["version"], lost.body.error?.code, lost.body.error?.details],
      [2, "version_conflict", { version: 2 }],
    );
    await book.current(); // A process hears of the changes of another within half a second; this one asks.
    const now = await a("GET", one);
    assert.deepEqual([now.body.window_size, now.etag], [won.body.window_size, won.etag]);

    const last = await Promise.all([b("DELETE", one, undefined, '"2"'), a("PATCH", one, { active: false }, '"2"')]);
    const [removed, patched] = last.map(({ status }) => status);
    // The loser of a deletion finds nothing, or comes too late for its version.
    assert.ok(removed === 200 ? patched === 404 || patched === 412 : removed === 412 && patched === 200);
  }));

test("a rule that was deleted and made again is another one by its ETag, though its version has the same number", () =>
  withServers(async ([a]) => {
    const { etag } = await a!("POST", "/aggregation-rule", rule("1m"));
    await a!("DELETE", one);
    await systemClock.sleep(2);
    const { etag: other } = await a!("POST", "/aggregation-rule", rule("5m"));
    const late = await a!("PATCH", one, { window_size: "1h" }, etag!);
    assert.deepEqual([late.status, late.body.error?.details], [412, { version: 1 }]);
    assert.match(String(late.body.error?.message), /^rule "r" was deleted, and another of its name was made$/);
    assert.equal((await a!("DELETE", one, undefined, etag!)).status, 412);
    assert.equal((await a!("PATCH", one, { window_size: "1h" }, other!)).status, 200);
    assert.equal((await a!("DELETE", one, undefined, '"2"')).status, 200, "a number alone is of any rule");
  }));

test("without If-Match the last one wins, and what is there is never a mix", () =>
  withServers(async (ask, { book }) => {
    const bodies = [
      { rule_id: "r", window_size: "1m", metric: "count", group_by: ["event_type"] },
      { rule_id: "r", window_size: "5m", metric: "sum", field: "payload.a", group_by: [] },
      { rule_id: "r", window_size: "1h", metric: "uniq_exact", field: "user_id", active: false },
    ];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => ask[index % 2]!("POST", "/aggregation-rule", bodies[index % 3])),
    );
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.ok(answers.every(({ status }) => status === 200 || status === 201));
    const told = (answer: Answer["body"]): string =>
      JSON.stringify([answer.window_size, answer.metric, answer.field ?? null, answer.group_by, answer.active]);
    const whole = new Set([
      '["1m","count",null,["event_type"],true]',
      '["5m","sum","payload.a",[],true]',
      '["1h","uniq_exact","user_id",[],false]',
    ]);
    await book.current();
    const { body } = await ask[0]!("GET", `${one}/versions`);
    assert.ok(Array.isArray(body.versions) && body.versions.every((version) => whole.has(told(version))));
    for (const answer of answers) assert.ok(whole.has(told(answer.body)));
  }));

test("of any editors at once, as many changes are made as versions are there; each that is refused saw an old one", () =>
  fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 2, maxLength: 10 }), (edits) =>
      withServers(async (ask, { book }) => {
        await ask[0]!("POST", "/aggregation-rule", rule("1s"));
        const answers = await Promise.all(
          edits.map(({ whole, conditional }, index) => {
            const window_size = `${index + 1}m`;
            const condition = conditional ? '"1"' : undefined;
            return whole
              ? ask[index % 2]!("POST", "/aggregation-rule", rule(window_size), condition)
              : ask[index % 2]!("PATCH", one, { window_size }, condition);
          }),
        );
        const done = answers.flatMap(({ status }, index) => (status === 200 ? [`${index + 1}m`] : []));
        await book.current();
        const { body } = await ask[0]!("GET", `${one}/versions`);
        const versions = body.versions as { version: number; window_size: string }[];
        assert.deepEqual(versions.map((version) => version.window_size).toSorted(), ["1s", ...done].toSorted());
        assert.deepEqual(
          versions.map(({ version }) => version),
          versions.map((_, index) => versions.length - index),
        );
        const conditional = answers.filter((_, index) => edits[index]!.conditional);
        assert.ok(conditional.filter(({ status }) => status === 200).length <= 1, "version 1 is changed once");
        for (const { status, body: told } of answers.filter((answer) => answer.status !== 200)) {
          assert.equal(status, 412);
          const { version } = told.error!.details as { version: number };
          assert.ok(version > 1 && version <= versions.length);
        }
        assert.ok(edits.every(({ conditional: asked }, index) => asked || answers[index]!.status === 200));
      }),
    ),
    { numRuns: 15 },
  ));

const edit = fc.record({ whole: fc.boolean(), conditional: fc.boolean() });

test("a replaced version can be read for a time, and the list of versions says which those are", () =>
  withServers(async ([ask], desk) => {
    await ask!("POST", "/aggregation-rule", rule("1m"));
    desk.end = 5;
    await ask!("PATCH", one, { window_size: "2m" });
    await ask!("PATCH", one, { window_size: "5m" });
    const version = async (number: unknown): Promise<unknown> => {
      const { status, body } = await ask!("GET", `/stats?rule_id=r&version=${String(number)}`);
      return status === 200 ? [body.version, body.complete] : [status, body.error?.code, body.error?.details];
    };
    assert.deepEqual(await version(1), [1, true]);
    assert.deepEqual(await version(2), [404, "unknown_version", { versions: [1, 3] }]);
    assert.deepEqual(await version(3), [3, false], "while it is being filled");
    await desk.book.filled("r", desk.book.get("r").versions[2]!.series);
    assert.deepEqual(await version(1), [1, false], "it stands still");
    assert.deepEqual(await version(3), [3, true]);
    assert.deepEqual(await version(0), [
      400,
      "invalid_query",
      [{ path: "version", message: "must be >= 1", value: 0 }],
    ]);
    const { body } = await ask!("GET", `${one}/versions`);
    const versions = body.versions as { readable: boolean; kept_until?: string }[];
    assert.deepEqual(
      versions.map((told) => [told.readable, told.kept_until !== undefined]),
      [
        [true, false],
        [false, false],
        [true, true],
      ],
    );
  }));

test("rolled back, a rule says so, and its versions remember", () =>
  withServers(async ([ask]) => {
    await ask!("POST", "/aggregation-rule", rule("1m"));
    await ask!("PATCH", one, { window_size: "5m" });
    const back = await ask!("PATCH", one, { version: 1 }, '"2"');
    assert.deepEqual(
      [back.status, back.body.window_size, back.body.version, back.body.rolled_back_to],
      [200, "1m", 3, 1],
    );
    const { body } = await ask!("GET", `${one}/versions`);
    assert.deepEqual(
      (body.versions as { rolled_back_to?: number }[]).map((version) => version.rolled_back_to),
      [1, undefined, undefined],
    );
    const unknown = await ask!("PATCH", one, { version: 9 });
    assert.deepEqual(
      [unknown.status, unknown.body.error],
      [
        404,
        {
          code: "unknown_version",
          message: 'rule "r" has no version 9; those kept are 1, 2, 3',
          details: { versions: [1, 2, 3] },
        },
      ],
    );
    assert.equal((await ask!("PATCH", one, { version: 1 }, '"2"')).status, 412);
  }));

test("a document is read, put back, and refused when something has changed in between", () =>
  withServers(async (ask, { book }) => {
    const [a, b] = [ask[0]!, ask[1]!];
    const made = await a("PUT", "/aggregation-rules", { rules: [rule("1m")] });
    const read = await b("GET", "/aggregation-rules?as=document");
    assert.deepEqual([made.status, made.body.created, made.etag], [200, ["r"], read.etag]);
    assert.deepEqual(read.body, { rules: [{ ...rule("1m"), group_by: [], active: true }] });
    const back = await a("PUT", "/aggregation-rules?delete=true", read.body, read.etag!);
    assert.deepEqual([back.etag, back.body.unchanged], [read.etag, ["r"]]);
    await b("PATCH", one, { active: false });
    const late = await a("PUT", "/aggregation-rules", read.body, read.etag!);
    const { etag } = await a("GET", "/aggregation-rules?as=document");
    assert.deepEqual([late.status, late.body.error?.details], [412, { tag: JSON.parse(etag!) }]);
    const wrong = await a("PUT", "/aggregation-rules", { rules: [rule("1m"), rule("1x")] });
    assert.deepEqual([wrong.status, wrong.body.error?.code], [422, "invalid_rule"]);
    assert.equal((await a("PUT", "/aggregation-rules", "x".repeat(16 * 2 ** 20))).status, 413);
    assert.equal(book.get("r").versions.length, 2);
  }));

test("ten thousand rules are one document", () =>
  withServers(async ([ask], { registry }) => {
    const rules = Array.from({ length: 10_000 }, (_, index) => ({ ...rule("1m"), rule_id: `r${index}` }));
    const revision = await registry.revision();
    const made = await ask!("PUT", "/aggregation-rules", { rules });
    assert.deepEqual([made.status, (made.body.created as string[]).length], [200, 10_000]);
    assert.ok((await registry.revision()) <= revision + 2, "stored at once, in force at once");
    const read = await ask!("GET", "/aggregation-rules?as=document");
    const back = await ask!("PUT", "/aggregation-rules", read.body);
    assert.deepEqual([(back.body.unchanged as string[]).length, back.etag], [10_000, made.etag]);
  }));

test("a dry run says what would be done, checks like the change itself, and changes nothing", () =>
  withServers(async ([ask], { book }) => {
    const tryOut = (body: unknown, ifMatch?: string) => ask!("POST", "/aggregation-rule?dry_run=true", body, ifMatch);
    const first = await tryOut(rule("60s"));
    assert.deepEqual([first.status, first.etag, first.body["effect"]], [200, null, "create"]);
    assert.deepEqual(await book.current(), []);
    await ask!("POST", "/aggregation-rule", rule("1m"));
    const known = await book.current();
    assert.equal((await tryOut(rule("60s"))).body["effect"], "none");
    assert.equal((await tryOut(rule("5m"), '"1"')).body["effect"], "change");
    assert.equal((await tryOut(rule("5m"), '"2"')).status, 412);
    const wrong = await tryOut({ rule_id: "r", metric: "sum", windw_size: "1m" });
    assert.equal(wrong.status, 422);
    const problems = wrong.body.error?.details as readonly { readonly path: string }[];
    assert.deepEqual(problems.map(({ path }) => path).toSorted(), ["field", "window_size", "windw_size"]);
    assert.equal((await ask!("POST", "/aggregation-rule?dry_run=maybe", rule("1m"))).status, 400);
    assert.deepEqual(await book.current(), known);
  }));
