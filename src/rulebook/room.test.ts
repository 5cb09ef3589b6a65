import assert from "node:assert/strict";
import { test } from "node:test";
import { faultyRegistry } from "../../test/support/faulty-registry.ts";
import { withDesk } from "../../test/support/rule-desk.ts";
import { systemClock } from "../lib/clock.ts";
import type { Registry, RuleRecord } from "../rule/registry.ts";
import { Rulebook } from "./rulebook.ts";

const rule = (rule_id: string, window_size = "1m") => ({ rule_id, window_size, metric: "count" });

const recordOf = (_: unknown, index: number): RuleRecord => ({
  rule_id: `r${String(index).padStart(4, "0")}`,
  revision: 1,
  versions: [
    {
      version: 1,
      spec: { rule_id: "r", window_size: "1m", metric: "count", group_by: [], active: true },
      series: 16,
      phase: "live",
      activation: {},
      createdAt: 0,
    },
  ],
});

/** The rules of a registry, with so many others that are only told of. */
async function crowded(inner: Registry, count: number): Promise<Rulebook> {
  const others = Array.from({ length: count }, recordOf);
  const registry = Object.assign(faultyRegistry(inner), { all: async () => [...(await inner.all()), ...others] });
  const book = new Rulebook({ registry, ends: async () => new Map(), clock: systemClock, keepReplacedMs: 0 });
  await book.load();
  return book;
}

test("there are as many rules as a document can have; those that are there can be changed", () =>
  withDesk(async ({ registry }) => {
    const book = await crowded(registry, 9999);
    assert.equal((await book.put(rule("a"), {})).created, true);
    const full = { code: "invalid_rule", message: /10001 rules.* 10000/ };
    await assert.rejects(book.put(rule("b"), {}), full);
    await assert.rejects(book.tryPut(rule("b"), {}), full);
    await assert.rejects(book.patch("b", { active: false }, {}), { code: "unknown_rule" });
    assert.equal((await book.put(rule("a", "5m"), {})).created, false);
    assert.equal((await book.tryPut(rule("a", "1h"), {})).effect, "change");
    await book.remove("a", {});
    assert.equal((await book.put(rule("b"), {})).created, true);
  }));

test("a document makes no more rules than there can be, those that it leaves alone among them", () =>
  withDesk(async ({ registry }) => {
    const book = await crowded(registry, 9999);
    const rules = [rule("a"), rule("b")];
    const [kept, deleted] = [false, true].map((deleteOthers) => ({ deleteOthers, dryRun: true }));
    await assert.rejects(book.putDocument({ rules }, kept!), { code: "invalid_rule", message: /10001 rules.* 10000/ });
    assert.deepEqual((await book.putDocument({ rules: [rule("a")] }, kept!)).effect.created, ["a"]);
    assert.deepEqual((await book.putDocument({ rules }, deleted!)).effect.created, ["a", "b"]);
  }));

test("where there are more already, they can be changed and become fewer", () =>
  withDesk(async ({ registry }) => {
    await registry.takeSeries(1);
    const book = await crowded(registry, 10_005);
    const document = { rules: [rule("r0000", "5m")] };
    const { effect } = await book.putDocument(document, { deleteOthers: false, dryRun: true });
    assert.deepEqual(effect.changed, ["r0000"]);
    await assert.rejects(book.put(rule("a"), {}), { code: "invalid_rule" });
  }));
