import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";
import { columnAt } from "./column.ts";
import { type FilterProblem, filterLimits } from "./expression.ts";

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: {
    // Items of lists are nodes for the parser, and each && is one more step down; our own limits come afterwards.
    maxAstNodes: 5000,
    maxDepth: 250,
    maxListElements: filterLimits.listItemsMax,
  },
});

export type ReadSyntax = { readonly tree: ASTNode } | { readonly problem: FilterProblem };

/** The syntax tree of a CEL text, or the first thing that keeps it from being one. */
export function readSyntax(text: string): ReadSyntax {
  try {
    return { tree: environment.parse(text).ast };
  } catch (error) {
    return { problem: syntaxProblem(error, text) };
  }
}

/** The operands of `a && b && c`, however the parser has grouped them. */
export function chain(node: ASTNode, operator: "&&" | "||"): ASTNode[] {
  const operands: ASTNode[] = [];
  const waiting: ASTNode[] = [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.op === operator) waiting.push(next.args[1], next.args[0]);
    else operands.push(next);
  }
  return operands;
}

/** The parser's complaint in the words of a reader, without its drawing of the text. */
function syntaxProblem(error: unknown, text: string): FilterProblem {
  // Any other error is the parser's own, on a text that it should have refused.
  if (!(error instanceof ParseError)) return { message: "can't be read", column: 1 };
  const { start, end } = error.range ?? { start: 0, end: 0 };
  const column = columnAt(text, start);
  const found = start >= text.length ? "the end" : JSON.stringify(text.slice(start, Math.max(end, start + 1)));
  if (wrongTokens.has(error.code)) {
    const hint = hintFor(text, start);
    const message = `${found} is not expected here`;
    return hint === undefined ? { message, column } : { message, column, hint };
  }
  if (error.code === "reserved_identifier") return { message: `${found} is a reserved word of CEL`, column };
  if (error.code === "limit_exceeded")
    return { message: "has too many parts, or they are too much inside each other", column };
  return { message: `can't be read: ${lowerFirst(error.summary)}`, column };
}

const wrongTokens = new Set(["unexpected_token", "unexpected_character", "expected_token"]);

/** What people write where CEL has something else. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/^&(?!&)/, "and is written &&"],
  [/^\|(?!\|)/, "or is written ||"],
  [/^=(?!=)/, "equal is written =="],
  [/^(?:and|or|not)\b/i, "and, or, not are written &&, ||, !"],
  [/^is\b/i, "equal is written ==, as in payload.country == null"],
  [/^like\b/i, "there are startsWith, endsWith, contains and matches"],
  [/^(?=\P{ASCII})\p{L}/u, 'a key with other letters than a to z is written payload["odd key"]'],
  [/^[`´‘’‚“”„«»]/, 'texts stand in straight quotes, as in "DE"'],
];
/** How many characters before a place are looked at for a hint. */
const lookBack = 200;

function hintFor(text: string, at: number): string | undefined {
  const rest = text.slice(at);
  if (/^\.\d/.test(rest)) return `write a 0 before the point: 0${/^\.\d+/.exec(rest)![0]}`;
  if (rest.startsWith(">") && text[at - 1] === "<") return "not equal is written !=";
  return keyHint(text.slice(Math.max(0, at - lookBack), at), rest) ?? hints.find(([found]) => found.test(rest))?.[1];
}

/** Only plain names stand behind a point, and no words of the language. */
function keyHint(before: string, rest: string): string | undefined {
  const [, path] = /([\p{L}_][^\s()&|!=<>,]*)\.\s*$/u.exec(before) ?? [];
  const [key] = /^[\p{L}\p{N}_$@][\p{L}\p{N}_$@-]*/u.exec(rest) ?? [];
  return path === undefined || key === undefined ? undefined : `write ${path}["${key}"] for a key of this name`;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
