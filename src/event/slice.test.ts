import assert from "node:assert/strict";
import { test } from "node:test";
import { behindSpace, behindValue } from "./slice.ts";

test("a value ends where its brackets and quotes say, and nothing behind the end that is given is looked at", () => {
  const table: readonly (readonly [text: string, end: number, behind: number])[] = [
    ['{"a":[1,"}"]} ', 14, 13],
    ['{"a":1}', 7, 7],
    ['{"a":1}', 6, -1],
    ["{", 1, -1],
    ["[[]", 3, -1],
    ["[[]]", 3, -1],
    ['"a\\""', 5, 5],
    ['"a\\""', 4, -1],
    ['"a"', 2, -1],
    ['["a"]', 3, -1],
    ['["a\\"]', 4, -1],
    ["12,3", 4, 2],
    ["1234", 2, 2],
    ["12 ", 3, 2],
  ];
  for (const [text, end, behind] of table) assert.equal(behindValue(Buffer.from(text), 0, end), behind, text);
  for (const [text, , behind] of table.filter(([text, end]) => end === text.length))
    assert.equal(behindValue(Buffer.from(text), 0), behind, text);
  assert.equal(behindSpace(Buffer.from(" \t\r\n1"), 0), 4);
  assert.equal(behindSpace(Buffer.from(" \t\r\n1"), 1, 3), 3);
});
