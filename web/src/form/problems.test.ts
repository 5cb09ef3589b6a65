import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldName } from "./draft.ts";
import { placeIn, problemsOf } from "./problems.ts";

const isField = (name: string): name is FieldName => ["filter", "group_by"].includes(name);

test("each mistake goes to its field, with its column; the rest is told above the form", () => {
  const details = [
    { path: "filter", message: "at column 12: is no field; did you mean payload.price?" },
    { path: "group_by[1]", message: "is there twice" },
    { path: "colour", message: "is not a key of a rule" },
  ];
  const { fields, others } = problemsOf({ message: "x", details }, isField);
  assert.deepEqual(fields.get("filter"), [{ message: "is no field; did you mean payload.price?", column: 12 }]);
  assert.deepEqual(fields.get("group_by"), [{ message: "is there twice" }]);
  assert.deepEqual(others, ["colour is not a key of a rule"]);
});

test("an error without a list is told as it is", () => {
  assert.deepEqual(problemsOf({ message: "no server answers", details: null }, isField).others, ["no server answers"]);
});

test("a column is found in its line, by characters", () => {
  assert.deepEqual(placeIn("a > 1", 3), { line: "a > 1", before: 2 });
  assert.deepEqual(placeIn("a &&\nb !", 8), { line: "b !", before: 2 });
  assert.deepEqual(placeIn("😀 == x", 6), { line: "😀 == x", before: 5 });
  assert.deepEqual(placeIn("", 1), { line: "", before: 0 });
  assert.deepEqual(placeIn("ab", 99), { line: "ab", before: 2 });
});
