import assert from "node:assert/strict";
import { test } from "node:test";
import { type Desk, withDesk } from "../../test/support/rule-desk.ts";
import type { RuleRecord, RuleVersion } from "../rule/registry.ts";
import type { RuleSpec } from "../rule/rule.ts";

/** A filter as it was taken before there were bounds of nesting. */
const deep = `${"!".repeat(20)}payload.a`;
const old: RuleSpec = { rule_id: "old", window_size: "1m", metric: "count", group_by: [], filter: deep, active: true };
const plain = { deleteOthers: false, dryRun: false };
const refusal = {
  code: "invalid_rule",
  message: /filter at column 1: a filter is at most 16 levels deep, and this is/,
};

/** A desk whose registry has the rule from before. */
const withOld = (run: (desk: Desk) => Promise<void>): Promise<void> =>
  withDesk(async (desk) => {
    const { registry, book } = desk;
    const series = await registry.takeSeries(1);
    const version: RuleVersion = { version: 1, spec: old, series, phase: "live", activation: { 0: 0 }, createdAt: 1 };
    await registry.change({ save: [{ rule_id: "old", revision: 0, versions: [version] }], remove: [] });
    await book.load();
    await run(desk);
  });

const versionOf = ({ versions }: RuleRecord): number => versions.at(-1)!.version;

test("a stored rule beyond the bounds is counted, and can be changed in everything else", () =>
  withOld(async ({ book }) => {
    const targets = await book.targets(await book.current());
    assert.deepEqual(
      targets.map(({ rule }) => rule.filter?.text),
      [deep],
    );
    assert.equal(versionOf((await book.put(old, {})).record), 1);
    assert.equal((await book.tryPut({ ...old, filter: ` ${deep}` }, {})).effect, "none");
    const { rules } = await book.document();
    const { effect } = await book.putDocument({ rules }, plain);
    assert.deepEqual(effect.unchanged, ["old"]);
    assert.equal(versionOf(await book.patch("old", { active: false }, {})), 2);
    assert.equal(versionOf(await book.patch("old", { filter: null }, {})), 3);
    assert.equal(versionOf(await book.patch("old", { version: 1 }, {})), 4);
  }));

test("what is new is held to the bounds, however it comes", () =>
  withOld(async ({ book }) => {
    await assert.rejects(book.put({ ...old, rule_id: "new" }, {}), refusal);
    await assert.rejects(book.put({ ...old, filter: `!${deep}` }, {}), refusal);
    await assert.rejects(book.tryPut({ ...old, rule_id: "new" }, {}), refusal);
    await assert.rejects(book.patch("old", { filter: `!${deep}` }, {}), refusal);
    const document = { rules: [old, { ...old, rule_id: "new" }] };
    await assert.rejects(book.putDocument(document, plain), { code: "invalid_rule", message: /rules\[1\]\.filter at/ });
  }));
