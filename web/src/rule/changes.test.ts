import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf, versionsKey } from "./changes.ts";

test("what a version says otherwise is told field by field", () => {
  const before = { rule_id: "r", window_size: "1m", group_by: [], active: true, version: 1, state: "retired" };
  const after = {
    ...before,
    window_size: "5m",
    group_by: ["event_type", "user_id"],
    top_n: 3,
    version: 2,
    state: "live",
  };
  assert.deepEqual(changesOf(before, after), [
    "window_size 1m → 5m",
    "group_by none → event_type, user_id",
    "top_n none → 3",
  ]);
  assert.deepEqual(changesOf(after, { ...after, active: false }), ["paused"]);
  assert.deepEqual(changesOf(before, before), []);
});

test("the versions are asked for anew when there is another one, when it is filled, and when the rule was made again", () => {
  const rule = { rule_id: "r", created_at: "2026-01-13T10:00:00Z", version: 1, state: "live" } as const;
  const others = [
    { ...rule, version: 2 },
    { ...rule, state: "filling" } as const,
    { ...rule, created_at: "2026-01-13T10:00:01Z" },
  ];
  assert.equal(new Set([rule, ...others].map(versionsKey)).size, 4);
  assert.equal(versionsKey({ ...rule }), versionsKey(rule));
});
