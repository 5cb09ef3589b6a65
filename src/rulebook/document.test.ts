import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { withDesk } from "../../test/support/rule-desk.ts";
import { WeirError } from "../lib/errors.ts";
import type { DocumentEffect } from "./document.ts";
import type { Rulebook } from "./rulebook.ts";

const rule = (rule_id: string, more: object = {}) => ({ rule_id, window_size: "1m", metric: "count", ...more });
const plain = { deleteOthers: false, dryRun: false };
const nothing: DocumentEffect = { created: [], changed: [], unchanged: [], deleted: [], kept: [] };

const effectOf = ({ created, changed, unchanged, deleted, kept }: DocumentEffect): DocumentEffect => ({
  created,
  changed,
  unchanged,
  deleted,
  kept,
});

async function problemsOf(book: Rulebook, body: unknown): Promise<string[]> {
  const error: unknown = await book.putDocument(body, plain).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WeirError && error.code === "invalid_rule" && Array.isArray(error.details), String(error));
  return error.details.map(({ path, message }: { path: string; message: string }) => `${path}: ${message}`);
}

test("a document makes, changes, leaves and deletes rules; what it says is what they are", () =>
  withDesk(async (desk) => {
    const { book, registry } = desk;
    const first = await book.putDocument({ rules: [rule("c"), rule("b"), rule("a", { active: false })] }, plain);
    assert.deepEqual(effectOf(first.effect), { ...nothing, created: ["a", "b", "c"] });
    desk.end = 10;
    const before = new Map((await registry.all()).map((record) => [record.rule_id, record]));
    const next = { rules: [rule("b", { group_by: [] }), rule("c", { metric: "rate" }), rule("d")] };
    const kept = await book.putDocument(next, { ...plain, dryRun: true });
    assert.deepEqual(effectOf(kept.effect), {
      ...nothing,
      created: ["d"],
      changed: ["c"],
      unchanged: ["b"],
      kept: ["a"],
    });
    assert.deepEqual([kept.tag, first.tag], [first.tag, (await book.document()).tag]);
    assert.deepEqual(new Map((await registry.all()).map((record) => [record.rule_id, record])), before);

    const done = await book.putDocument(next, { ...plain, deleteOthers: true });
    assert.deepEqual(effectOf(done.effect), { ...effectOf(kept.effect), kept: [], deleted: ["a"] });
    const after = await registry.all();
    assert.deepEqual(after, book.list());
    assert.deepEqual(
      after.map(({ rule_id: id, versions }) => [id, ...versions.map(({ phase }) => phase)]),
      [
        ["b", "live"],
        ["c", "live", "filling"],
        ["d", "filling"],
      ],
    );
    assert.deepEqual(after[0], before.get("b"), "an unchanged rule is not touched");
    assert.equal(done.tag, (await book.document()).tag);
  }));

test("read and put back, a document changes nothing", () =>
  fc.assert(
    fc.asyncProperty(fc.uniqueArray(ruleBody, { selector: ({ rule_id: id }) => id, maxLength: 8 }), (rules) =>
      withDesk(async ({ book, registry }) => {
        for (const one of rules) await book.put(one, {});
        const { tag, rules: written } = await book.document();
        const revision = await registry.revision();
        const text = JSON.stringify({ rules: written.toReversed() });
        const again = await book.putDocument(JSON.parse(text), { ...plain, deleteOthers: true, ifMatch: tag });
        const ids = rules.map(({ rule_id: id }) => id).toSorted();
        assert.deepEqual(effectOf(again.effect), { ...nothing, unchanged: ids });
        assert.deepEqual([again.tag, await registry.revision()], [tag, revision]);
        assert.deepEqual(
          written.map(({ rule_id: id }) => id),
          ids,
        );
      }),
    ),
    { numRuns: 20 },
  ));

const metric = fc.constantFrom(
  { metric: "count" },
  { metric: "active_users" },
  { metric: "p99.90", field: 'payload["ms"]' },
  { metric: "sum", field: "payload.price", decimals: 2 },
);
const windowOf = fc.constantFrom(
  { window_size: "10m" },
  { window_size: "1d", timezone: "UTC" },
  { window_size: "1w", timezone: "Europe/Berlin" },
);
const options = fc.record(
  {
    group_by: fc.constantFrom([], ["event_type"], ["user_id", 'payload["odd key"]', 'payload["plain"]']),
    active: fc.boolean(),
    filter: fc.constantFrom(' payload.a > 1 && event_type in ["a", "b"] ', null),
    allowed_lateness: fc.constantFrom("0s", "90s"),
    late_policy: fc.constantFrom("count", "drop"),
  },
  { requiredKeys: [] },
);
const ruleBody = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9_-]{1,4}$/), metric, windowOf, options)
  .map(([rule_id, ...parts]) => ({ rule_id, ...parts[0], ...parts[1], ...parts[2] }));

test("a rule in the words of an earlier program says what it said", () =>
  withDesk(async (desk) => {
    const { book, registry } = desk;
    const { record } = await book.put(rule("a", { group_by: ["payload.a"] }), {});
    const spec = { ...record.versions[0]!.spec, window_size: "60s", group_by: ['payload["a"]'] };
    await registry.change({ save: [{ ...record, versions: [{ ...record.versions[0]!, spec }] }], remove: [] });
    const { rules, tag } = await book.document();
    assert.deepEqual(rules[0]?.group_by, ["payload.a"]);
    const back = await book.putDocument({ rules }, { ...plain, ifMatch: tag });
    assert.deepEqual(effectOf(back.effect), { ...nothing, unchanged: ["a"] });
  }));

test("every mistake of every rule is named by its path, and nothing is stored", () =>
  withDesk(async ({ book, registry }) => {
    const before = await registry.revision();
    const rules = [
      rule("a"),
      rule("b", { window_size: "ten", group_by: ["user_id", "user_id"] }),
      7,
      rule("a", { metric: "sum" }),
      {},
      Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 1])),
      rule("a"),
    ];
    const named = await problemsOf(book, { rules, rule: 1, as: 2 });
    assert.deepEqual(
      named.map((one) => one.split(": ")[0]),
      [
        "rule",
        "as",
        "rules[1].window_size",
        "rules[1].group_by[1]",
        "rules[2]",
        "rules[3].rule_id",
        "rules[3].field",
        "rules[4].rule_id",
        "rules[4].window_size",
        "rules[4].metric",
        "rules[5]",
        "rules[6].rule_id",
      ],
    );
    assert.ok(named.includes("rule: is not a key of the document; did you mean rules?"));
    assert.ok(named.includes("rules[3].rule_id: is the rule_id of rules[0] too"));
    assert.equal(await registry.revision(), before);
  }));

test("what is no document is refused", () =>
  withDesk(async ({ book }) => {
    const refusals: [unknown, string[]][] = [
      [null, [': must be an object: {"rules": […]}']],
      [[], [': must be an object: {"rules": […]}']],
      [{}, ["rules: is required"]],
      [{ rules: {} }, ["rules: must be a list of rules"]],
      [JSON.parse('{"__proto__":{"rules":[]}}'), ["__proto__: is not a key of the document", "rules: is required"]],
      [
        { count: 1, rules: [] },
        ["count: is not a key of the document; GET /aggregation-rules?as=document answers one to put back"],
      ],
      [{ rules: Array(10_001).fill(1) }, ["rules: has 10001 rules; a document has at most 10000"]],
    ];
    for (const [body, problems] of refusals) assert.deepEqual(await problemsOf(book, body), problems);
    const many = await problemsOf(book, { rules: Array(10_000).fill({ a: 1 }) });
    assert.ok(many.length >= 10_000 && many.length < 10_010, "naming ends somewhere");
    assert.deepEqual(effectOf((await book.putDocument({ rules: [] }, plain)).effect), nothing);
  }));

test("on condition, a document is refused when any rule has changed since", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    const other = await desk.another();
    const seen = (await book.putDocument({ rules: [rule("a"), rule("b")] }, plain)).tag;
    const changes: (() => Promise<unknown>)[] = [
      () => other.patch("a", { window_size: "5m" }, {}),
      () => other.put(rule("c"), {}),
      () => other.remove("c", {}),
      async () => {
        await other.remove("b", {});
        await setTimeout(2); // it is told by when it was made
        await other.put(rule("b"), {});
      },
    ];
    const tags = new Set([seen]);
    for (const change of changes) {
      const { tag } = await book.document();
      await change();
      for (const dryRun of [true, false])
        await assert.rejects(book.putDocument({ rules: [] }, { ...plain, dryRun, ifMatch: tag }), {
          code: "version_conflict",
          details: { tag: (await book.document()).tag },
        });
      tags.add((await book.document()).tag);
    }
    assert.equal(tags.size, 4, "what was made and removed again leaves no trace; what was replaced does");
    const { tag } = await book.document();
    desk.end = 10;
    await book.rebuild();
    assert.equal((await book.document()).tag, tag, "windows that are made anew change no rule");
    await book.filled("b", book.get("b").versions.at(-1)!.series);
    assert.equal((await book.document()).tag, tag);
    await book.filled("a", book.get("a").versions.at(-1)!.series);
    await book.putDocument({ rules: [rule("d")] }, { ...plain, ifMatch: tag });
  }));

test("a crash behind the storing leaves pending versions, which the same document completes", () =>
  withDesk(async (desk) => {
    desk.end = 10;
    desk.beforeEnds = () => Promise.reject(new Error("killed here"));
    const document = { rules: [rule("a"), rule("b")] };
    await assert.rejects(desk.book.putDocument(document, plain), /killed here/);
    const after = await desk.another();
    assert.deepEqual(
      (await desk.registry.all()).map(({ versions }) => versions.map(({ phase }) => phase)),
      [["pending"], ["pending"]],
    );
    desk.end = 20;
    const { effect } = await after.putDocument(document, plain);
    assert.deepEqual(effectOf(effect), { ...nothing, unchanged: ["a", "b"] });
    assert.deepEqual(
      (await after.targets(await after.current())).map(({ activation, filling }) => [activation, filling]),
      [
        [{ 0: 20 }, true],
        [{ 0: 20 }, true],
      ],
    );
  }));

test("documents that race are each stored whole; the rules are those of one of them", () =>
  fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 6 }), fc.boolean(), (editors, conditional) =>
      withDesk(async (desk) => {
        const books = [desk.book, await desk.another()];
        const start = await desk.book.putDocument({ rules: [rule("a"), rule("b")] }, plain);
        const outcomes = await Promise.allSettled(
          Array.from({ length: editors }, (_, index) => {
            const size = `${index + 2}m`;
            const rules = ["a", "b", `own${index}`].map((id) => rule(id, { window_size: size }));
            const condition = conditional ? { ifMatch: start.tag } : {};
            return books[index % 2]!.putDocument({ rules }, { dryRun: false, deleteOthers: true, ...condition });
          }),
        );
        const won = outcomes.flatMap((outcome, index) => (outcome.status === "fulfilled" ? [index] : []));
        assert.equal(won.length, conditional ? 1 : editors);
        const { rules, tag } = await desk.book.document();
        assert.equal(new Set(rules.map((one) => one.window_size)).size, 1);
        const last = Number.parseInt(rules[0]!.window_size, 10) - 2;
        assert.deepEqual(
          rules.map((one) => one.rule_id),
          ["a", "b", `own${last}`],
        );
        const winner = outcomes[last]!;
        assert.ok(winner.status === "fulfilled" && winner.value.tag === tag);
      }),
    ),
    { numRuns: 15 },
  ));
