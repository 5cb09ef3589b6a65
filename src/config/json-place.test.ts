import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findJsonFault } from "./json-place.ts";

test("names the line and column of the first fault", () => {
  const cases: [string, string][] = [
    ['{\n  "a": 1,\n  "b": tru\n}', "3:8"],
    ['{"a": 1,}', "1:9"],
    ["", "1:1"],
    ['{"a": [1, 2', "1:12"],
    ['{"a": 1} x', "1:10"],
    ["{a: 1}", "1:2"],
    ['{"a" 1}', "1:6"],
    ['{"a": 01}', "1:8"],
    ['{"a": "\\x"}', "1:7"],
  ];
  for (const [text, place] of cases) {
    const { line, column } = findJsonFault(text);
    assert.equal(`${line}:${column}`, place, text);
  }
});

test("has no fault to find in any JSON", () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 2), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent);
      assert.equal(findJsonFault(text).found, "the end of the file");
    }),
  );
});
