import assert from "node:assert/strict";
import { test } from "node:test";
import { type Desk, withDesk } from "../../test/support/rule-desk.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { parseRule } from "../rule/parse.ts";
import type { RuleRecord, RuleVersion } from "../rule/registry.ts";
import type { RuleSpec } from "../rule/rule.ts";
import { Rulebook, answering } from "./rulebook.ts";
import { rulesToRead } from "./rules-to-read.ts";
import { storable } from "./understood.ts";

const good = { rule_id: "good", window_size: "1m", metric: "count" };
/** As a program may have stored it that takes other rules. */
const unread: RuleSpec = { ...good, rule_id: "bad", group_by: [], active: true, having: "value >" };
const fault = "it can't be read: having: at column 8: the end is not expected here";

const standing = ({ versions }: RuleRecord): string[] => versions.map(({ version, phase }) => `v${version} ${phase}`);

/** Stores it as somebody else would. */
async function store({ registry }: Desk, more: Partial<RuleVersion> = {}): Promise<number> {
  const series = await registry.takeSeries(1);
  const version: RuleVersion = { version: 1, spec: unread, series, phase: "live", activation: { 0: 0 }, createdAt: 1 };
  await registry.change({ save: [{ rule_id: "bad", revision: 0, versions: [{ ...version, ...more }] }], remove: [] });
  return series;
}

async function targets(book: Rulebook): Promise<string[]> {
  return (await book.targets(await book.current())).map(({ rule_id: id }) => id);
}

test("a stored rule that can't be read is stopped with the reason, and the others go on", () =>
  withDesk(async (desk) => {
    const told: unknown[] = [];
    const { registry } = desk;
    const stopped = (...facts: readonly string[]): number => told.push(facts);
    const ends = async () => new Map();
    const book = new Rulebook({ registry, ends, clock: new SimulatedClock(), keepReplacedMs: 60_000, stopped });
    await book.put(good, {});
    const series = await store(desk);
    assert.deepEqual(await targets(book), ["good"]);
    assert.deepEqual(told, [["bad", fault]]);
    const record = book.get("bad");
    assert.deepEqual(standing(record), ["v1 paused", "v2 paused"]);
    assert.deepEqual([record.versions[0]?.series, record.versions[1]?.stoppedBecause], [series, fault]);
    assert.deepEqual(await targets(book), ["good"]);
    assert.equal(told.length, 1, "once");
  }));

test("whatever it was at when it could not be read, it is stopped", async () => {
  const filling = { phase: "filling" } as const;
  const pending = { phase: "pending", activation: null } as const;
  for (const more of [filling, pending])
    await withDesk(async (desk) => {
      desk.end = 7;
      await store(desk, more);
      assert.deepEqual(await targets(desk.book), []);
      assert.deepEqual(standing(desk.book.get("bad")), ["v1 retired", "v2 paused"]);
    });
});

test("all rules can be asked for beside one that can't be read; it can be resumed only by a change of what is wrong", () =>
  withDesk(async (desk) => {
    const { book } = desk;
    await book.put(good, {});
    const series = await store(desk);
    await targets(book);
    const { rules } = await book.document();
    assert.deepEqual(rules, [
      { ...unread, active: false },
      { ...good, group_by: [], active: true },
    ]);
    const record = book.get("bad");
    assert.equal(answering(record).version.series, book.get("bad").versions[1]?.series);
    assert.throws(() => answering(record).rule, {
      code: "rule_unreadable",
      message: /^the rule bad, as it is stored, can't be read: having: .*; change what is wrong, or delete it$/,
    });
    assert.equal(book.ruleOf(record.versions[0]!), undefined);
    assert.equal(rulesToRead(book).find("bad"), undefined);
    await assert.rejects(book.patch("bad", { active: true }, {}), { code: "invalid_rule", message: /having/ });
    desk.end = 7;
    const mended = await book.patch("bad", { having: "value > 1", active: true }, {});
    assert.deepEqual(standing(mended), ["v1 paused", "v2 retired", "v3 filling"]);
    assert.notEqual(mended.versions[2]?.series, series);
    assert.equal(answering(mended).version.version, 3);
    assert.deepEqual((await targets(book)).toSorted(), ["bad", "good"]);
    await book.remove("bad", {});
  }));

test("a document, or a body, replaces one that can't be read", async () => {
  for (const change of [
    async ({ book }: Desk) => void (await book.put({ ...good, rule_id: "bad" }, {})),
    async ({ book }: Desk) => {
      const body = { rules: [{ ...good, rule_id: "bad" }] };
      await book.putDocument(body, { deleteOthers: false, dryRun: false });
    },
  ])
    await withDesk(async (desk) => {
      await store(desk);
      await change(desk);
      assert.deepEqual(standing(desk.book.get("bad")), ["v1 retired", "v2 live"]);
      assert.deepEqual(await targets(desk.book), ["bad"]);
    });
});

test("what can't be read back is never stored", () => {
  const parsed = parseRule(good);
  assert.ok(parsed.ok);
  const { spec } = parsed.rule;
  assert.equal(storable({ spec }), spec);
  assert.throws(() => storable({ spec: unread }), { code: "internal" });
});
