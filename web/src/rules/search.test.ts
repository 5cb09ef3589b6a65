import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuleAnswer } from "../../../client/src/wire.ts";
import { foundRules, hasSearch } from "./search.ts";

const rules = ["orders", "revenue"].map(
  (rule_id) => ({ rule_id, metric: "count", window_size: "1m", group_by: ["user_id"] }) as unknown as RuleAnswer,
);

test("a rule is found by its name and by what it computes", () => {
  const found = (wanted: string): string[] => foundRules(rules, wanted).map(({ rule_id }) => rule_id);
  assert.deepEqual(found(" ORD "), ["orders"]);
  assert.deepEqual(found("count by user"), ["orders", "revenue"]);
  assert.deepEqual(found("none"), []);
  assert.deepEqual(found(" "), ["orders", "revenue"]);
});

test("few rules need no search; one that is in force keeps its field when others are deleted", () => {
  assert.equal(hasSearch(5, ""), false);
  assert.equal(hasSearch(6, ""), true);
  assert.equal(hasSearch(6, "ord"), true);
  assert.equal(hasSearch(5, "ord"), true);
  assert.equal(hasSearch(1, " "), true);
});
