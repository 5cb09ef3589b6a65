import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatField } from "../rule/field.ts";
import { columnName } from "./column-name.ts";

/** What the engine makes of a quoted identifier: up to the first backtick that no backslash stands before. */
function read(sql: string): { name: string; rest: string } | undefined {
  const found = /^`((?:[^`\\]|\\[\s\S])*)`([\s\S]*)$/.exec(sql);
  return found === null ? undefined : { name: found[1]!.replace(/\\([\s\S])/g, "$1"), rest: found[2]! };
}

test("a name is nothing but itself, whatever is in it", () => {
  for (const name of [
    "value",
    'payload["a`b"]',
    "\\",
    "`",
    "\\`",
    "a`, 1 AS b",
    "payload.ключ",
    "\u{1f642}",
    "{a:String}",
  ])
    assert.deepEqual(read(columnName(name)), { name, rest: "" });
});

test("every field of a rule can be a column, under its own name", () => {
  const path = fc.array(fc.string({ unit: "binary", maxLength: 12 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(path, (keys) => {
      const name = formatField({ kind: "payload", path: keys });
      assert.deepEqual(read(columnName(name)), { name, rest: "" });
    }),
  );
});

test("what can't be a field is refused", () => {
  for (const name of ["", "a\0b", "a\nb", "\ud800"]) assert.throws(() => columnName(name), TypeError);
});

test("no field has the name of another column", () => {
  const fixed = new Set(["window_start", "value", "window_end", "final"]);
  for (const name of fixed) {
    assert.ok(!fixed.has(formatField({ kind: "payload", path: [name] })));
  }
});
