import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { patternFault } from "./pattern.ts";

const taken = [
  "",
  "^a.b$",
  "a|b|",
  "(?i)purchase",
  "(a)(?:b)(?i:c)(?-s:d)",
  "a*?b+?c??",
  "a{2}b{2,}c{2,5}?",
  "[a-z0-9_]",
  "[^\\d\\s-]",
  "[[:alpha:]-]",
  "[-a]",
  "\\d\\D\\s\\S\\w\\W\\b\\B\\A\\z",
  "\\pL\\p{Lu}\\P{Greek}\\p{^Han}",
  "\\x41\\x{1F389}\\n\\t",
  "\\.\\*\\[\\(\\\\",
  "]}",
  "日本🎉",
  "\0",
];

test("patterns of RE2 are taken", () => {
  for (const pattern of taken) assert.equal(patternFault(pattern), null, pattern);
});

const refused: readonly (readonly [string, RegExp, number])[] = [
  ["(", /without its \)/, 1],
  ["a)", /a \) too many/, 2],
  ["[a", /without its \]/, 1],
  ["[]", /inside \[ \]/, 2],
  ["[b-a]", /from high to low/, 2],
  ["[\\d-a]", /begins with a class/, 2],
  ["[a[b]", /a \[ inside/, 3],
  ["*a", /nothing before it/, 1],
  ["a**", /repeats a repetition/, 3],
  ["a{2}{3}", /repeats a repetition/, 8],
  ["^*", /has no width/, 2],
  ["a{", /a \{ that is no repetition/, 2],
  ["a{3,2}", /from more to less/, 7],
  ["a{1001}", /more than 1000 times/, 2],
  ["(a{100}){100}", /more than 1000 times/, 9],
  ["(\\pL{500}){2}", /too large a program/, 2],
  ["(?=a)", /no lookaround/, 1],
  ["(?<name>a)", /no names/, 1],
  ["\\1", /refers back/, 1],
  ["\\Qa\\E", /\\Q, which means nothing/, 1],
  ["\\C", /\\C, which means nothing/, 1],
  ["\\p{Klingon}", /no class of characters/, 1],
  ["\\x{110000}", /names no character/, 1],
  ["a\\", /ends with a \\/, 2],
  ["(".repeat(51), /more than 50 groups/, 51],
  ["a".repeat(1001), /longer than 1000/, 1],
];

for (const [pattern, message, at] of refused) {
  test(`refused: ${pattern.slice(0, 30)}`, () => {
    const fault = patternFault(pattern);
    assert.match(fault?.message ?? "it was taken", message);
    assert.equal(fault?.at, at);
  });
}

test("no text makes it throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 30 }), (pattern) => {
      patternFault(pattern);
    }),
  );
});
