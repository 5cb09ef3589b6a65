import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rule } from "../../../client/src/wire.ts";
import { clashesOf, draftFrom, draftOf, isSame, newDraft, onTopOf, pathsOf, ruleOf } from "./draft.ts";

const full: Rule = {
  ...{ rule_id: "r", window_size: "1h", window_type: "hopping", hop: "5m", timezone: "Europe/Berlin" },
  ...{ metric: "sum", field: "payload.price", decimals: 2, group_by: ["event_type", 'payload["odd, key"]'] },
  ...{ max_groups: 10, filter: "payload.price > 1.0", having: "value > 5", top_n: 3 },
  ...{ allowed_lateness: "10s", late_policy: "drop", retention: "30d", active: false },
};

test("a rule goes through the form and comes out as it was", () => {
  assert.deepEqual(ruleOf(draftOf(full), false), full);
  const small: Rule = { rule_id: "s", window_size: "1m", metric: "count", group_by: [], active: true };
  assert.deepEqual(ruleOf(draftOf(small)), small);
});

test("what should be a number and is none is left for the server to name", () => {
  const rule = ruleOf({ ...newDraft, top_n: "three", decimals: " 2 ", max_groups: "1.5" });
  assert.deepEqual([rule.top_n, rule.decimals, rule.max_groups], ["three", 2, 1.5]);
});

test("empty fields are left out", () => {
  assert.deepEqual(ruleOf(newDraft), { window_size: "1m", metric: "count", group_by: [], active: true });
});

test("a list of paths is parted at its commas, but not inside of a quoted key", () => {
  assert.deepEqual(pathsOf('event_type, payload["a, b"].c ,, user_id'), ["event_type", 'payload["a, b"].c', "user_id"]);
  assert.deepEqual(pathsOf('payload["not closed, '), ['payload["not closed,']);
  assert.deepEqual(pathsOf(" "), []);
});

test("drafts that say the same rule are the same, whatever blanks they have", () => {
  assert.ok(isSame(newDraft, { ...newDraft, group_by: " ", filter: " " }));
  assert.ok(!isSame(newDraft, { ...newDraft, filter: "true" }));
});

test("what was typed goes on top of what others have changed, who keep the fields that were not touched", () => {
  const base = { ...newDraft, filter: "true", top_n: "3" };
  const typed = { ...base, filter: "false", retention: "9d" };
  const theirs = { ...base, filter: "x > 1.0", window_size: "5m", top_n: "" };
  assert.deepEqual(onTopOf(theirs, typed, base), { ...theirs, filter: "false", retention: "9d" });
  assert.deepEqual(clashesOf(theirs, typed, base), ["filter"]);
  assert.deepEqual(clashesOf({ ...theirs, filter: "false" }, typed, base), [], "both say the same");
});

test("what was kept comes back, and what is no draft does not", () => {
  assert.deepEqual(draftFrom(JSON.parse(JSON.stringify({ ...newDraft, filter: "tr" }))), { ...newDraft, filter: "tr" });
  assert.deepEqual(draftFrom({ rule_id: "a", unknown: "b", top_n: 5 })?.rule_id, "a");
  assert.equal(draftFrom(null), undefined);
  assert.equal(draftFrom({ x: 1 }), undefined);
});
