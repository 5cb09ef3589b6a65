import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeValue } from "../escape-value.ts";
import { quoteString, setParameters, setSettings } from "./escape.ts";
import { lex } from "./lexer.ts";
import { unescapeString } from "./statement.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("'", "\\", "\0", "\n", "\t", ";", "n", "N", "0", "{", "}", "--", "/*") }),
);

test("a quoted string is one literal, holds no NUL, and means the value", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const quoted = quoteString(value);
      assert.ok(!quoted.includes("\0"));
      const { tokens, closed } = lex(quoted);
      assert.equal(closed, true);
      assert.deepEqual(
        tokens.map((token) => [token.kind, token.start, token.end]),
        [["string", 0, quoted.length]],
      );
      assert.equal(unescapeString(tokens[0]?.text ?? ""), value);
    }),
  );
});

test("an escaped value has no tab, line end or NUL, and means the value", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const escaped = escapeValue(value);
      assert.doesNotMatch(escaped, /[\t\n\r\0]/);
      assert.equal(unescapeString(escaped), value);
    }),
  );
});

test("a preamble of parameters is one SET, whatever the values", () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      const { tokens } = lex(
        setParameters(
          new Map([
            ["a", a],
            ["b", b],
          ]),
        ),
      );
      assert.deepEqual(
        tokens.map((token) => (token.kind === "string" ? "…" : token.text)).join(" "),
        "SET param_a = … , param_b = … ;",
      );
    }),
  );
});

test("nothing to set is nothing said, and a name that is none is refused", () => {
  assert.equal(setParameters(new Map()), "");
  assert.equal(setSettings(new Map([["max_threads", "1"]])), "SET max_threads = '1'; ");
  for (const name of ["", "a b", "a=1", "1a", "ä", "a;", "a'"]) {
    assert.throws(() => setParameters(new Map([[name, ""]])), TypeError);
    assert.throws(() => setSettings(new Map([[name, ""]])), TypeError);
  }
});
