import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../../../client/src/weir.ts";
import type { Rule, RuleAnswer } from "../../../client/src/wire.ts";
import { newDraft } from "./draft.ts";
import { isStored, save } from "./saving.ts";

const draft = { ...newDraft, rule_id: "r", metric: "p95.0", field: "payload.ms", filter: "true " };
const stored: RuleAnswer = {
  ...{ rule_id: "r", window_size: "1m", metric: "p95.0", field: "payload.ms", group_by: [], filter: "true" },
  ...{ active: true, version: 2, answering_version: 2, state: "live", progress: 1, lag_ms: 0, cost: null },
  ...{ skipped: 0, late: 0, groups: 0, overflowed: 0 },
  ...{ created_at: "2026-01-14T10:00:00Z", changed_at: "2026-01-14T10:00:00Z" },
};
const said = { draft, active: true };

/** A server that refuses to save, with what it says of the rule then. */
function server(refusal: WeirError, found: RuleAnswer | WeirError) {
  const asked: unknown[] = [];
  const put = async (rule: Rule, condition: object = {}): Promise<RuleAnswer> => {
    asked.push([rule.rule_id, condition]);
    throw refusal;
  };
  const get = async (ruleId: string): Promise<RuleAnswer> => {
    asked.push(ruleId);
    if (found instanceof WeirError) throw found;
    return found;
  };
  return { put, get, asked };
}

const noAnswer = new WeirError("no_answer", "nobody answers");
const unavailable = new WeirError("store_unavailable", "not now", { status: 503 });
const conflict = new WeirError("version_conflict", "it has version 2, not version 1", { status: 409 });
const wrong = new WeirError("invalid_rule", "no", { status: 422 });

test("a save that took effect and was answered badly, or not at all, or was tried again, is one", async () => {
  for (const refusal of [noAnswer, unavailable, conflict]) {
    const rules = server(refusal, stored);
    assert.equal(await save(rules, said, { ifMatch: 1 }), stored);
    assert.deepEqual(rules.asked, [["r", { ifMatch: 1 }], "r"]);
  }
});

test("it is none when the rule is another, or is paused, or nobody says what it is", async () => {
  const unknown = new WeirError("unknown_rule", "there is none", { status: 404 });
  for (const found of [{ ...stored, filter: "false" }, { ...stored, active: false }, noAnswer, unknown])
    await assert.rejects(save(server(conflict, found), said, {}), conflict);
});

test("after a refusal that says what is wrong nothing more is asked", async () => {
  const rules = server(wrong, stored);
  await assert.rejects(save(rules, said, { ifNew: true }), wrong);
  assert.deepEqual(rules.asked, [["r", { ifNew: true }]]);
});

test("a rule that the server writes otherwise than it was typed is the same", () => {
  const rule = { ...stored, metric: "p95" };
  assert.ok(isStored(stored, said));
  assert.ok(!isStored(rule, said));
  const canonical: Rule = { rule_id: "r", window_size: "1m", metric: "p95", field: "payload.ms", filter: "true" };
  assert.ok(isStored(rule, { ...said, canonical }));
});
