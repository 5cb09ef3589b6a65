import assert from "node:assert/strict";
import { test } from "node:test";
import { Compile } from "typebox/compile";
import { parseRule } from "../rule/parse.ts";
import { RuleBody, RulePatch } from "./rules.ts";

const [body, change] = [Compile(RuleBody), Compile(RulePatch)];

test("the documented change of a rule may take away what a rule may lack, and nothing else", () => {
  const { required = [] } = RuleBody as { required?: readonly string[] };
  for (const key of Object.keys(RuleBody.properties))
    assert.equal(change.Check({ [key]: null }), !required.includes(key), key);
  assert.deepEqual([...required].toSorted(), ["metric", "rule_id", "window_size"]);
  assert.ok(change.Check({}) && change.Check({ rule_id: "r", hop: "1m", max_groups: 5 }));
  assert.ok(!change.Check({ colour: null }) && !change.Check({ max_groups: "5" }));
});

test("the documented rule may have null where the check takes it", () => {
  const rule = { rule_id: "r", window_size: "1d", metric: "sum", field: "payload.price" };
  for (const key of [...Object.keys(RuleBody.properties), "colour"]) {
    // `sum` needs a field; `count` takes none.
    const without = { ...rule, ...(key === "field" ? { metric: "count" } : {}), [key]: null };
    assert.equal(body.Check(without), parseRule(without).ok, key);
  }
  assert.ok(body.Check(rule) && !body.Check({ ...rule, max_groups: "5" }));
});
