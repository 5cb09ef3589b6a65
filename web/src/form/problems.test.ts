import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldName } from "./draft.ts";
import { placeIn, problemsOf } from "./problems.ts";

const isField = (name: string): name is FieldName => ["filter", "group_by"].includes(name);

test("each mistake goes to its field, with its column; the rest is told above the form", () => {
  const details = [
    { path: "filter", message: "at column 12: is no field; did you mean payload.price?" },
    { path: "group_by[1]", message: "names the same key twice", value: "user_id" },
    { path: "colour", message: "is not a key of a rule" },
  ];
  const { fields, others } = problemsOf({ message: "x", details }, isField);
  assert.deepEqual(fields.get("filter"), [{ message: "is no field; did you mean payload.price?", column: 12 }]);
  assert.deepEqual(fields.get("group_by"), [{ message: "user_id names the same key twice" }]);
  assert.deepEqual(others, ["colour is not a key of a rule"]);
});

test("an error without a list is told as it is", () => {
  assert.deepEqual(problemsOf({ message: "no server answers", details: null }, isField).others, ["no server answers"]);
});

test("a column is found in its line, by characters", () => {
  assert.deepEqual(placeIn("a > 1", 3), { before: "a ", behind: "> 1" });
  assert.deepEqual(placeIn("a &&\nb !", 8), { before: "b ", behind: "!" });
  assert.deepEqual(placeIn("\na", 1), { before: "", behind: "" });
  assert.deepEqual(placeIn("😀 == x", 6), { before: "😀 == ", behind: "x" });
  assert.deepEqual(placeIn("", 1), { before: "", behind: "" });
  assert.deepEqual(placeIn("ab", 99), { before: "ab", behind: "" });
});

test("of a long line what is around the column is seen, also on a phone", () => {
  const text = `${"a".repeat(100)}!${"b".repeat(100)}`;
  assert.deepEqual(placeIn(text, 101), { before: `…${"a".repeat(24)}`, behind: `!${"b".repeat(15)}…` });
  assert.deepEqual(placeIn(text, 201), { before: `…${"b".repeat(24)}`, behind: "b" });
});
