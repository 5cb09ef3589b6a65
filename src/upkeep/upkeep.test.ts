import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "./upkeep.ts";

test("a comparison is told in a line, and each difference in one more", () => {
  const head = { rule_id: "r", version: 3, different: 0, differences: [] };
  assert.deepEqual(lines({ ...head, result: "equal" }), ["r version 3: as the stored events give it"]);
  assert.deepEqual(lines({ ...head, result: "not_comparable", reason: "it sleeps" }), [
    "r version 3: not compared, it sleeps",
  ]);
  const differences = [{ window_start: "2026-01-13T10:00:00Z", group: ["DE", null], stored: "1", expected: "2" }];
  assert.deepEqual(lines({ ...head, result: "different", compared: "value", different: 5, differences }), [
    "r version 3: 5 differ by their value",
    '  2026-01-13T10:00:00Z\t["DE",null]\tstored 1\texpected 2',
    "  … and 4 more",
  ]);
});
