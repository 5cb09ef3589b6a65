import { Environment, ParseError } from "@marcbachmann/cel-js";
import { Checker } from "./check.ts";
import { columnAt } from "./column.ts";
import { type FilterExpression, type FilterProblem, filterLimits, type ParsedFilter } from "./expression.ts";
import { measure } from "./measure.ts";
import { inWords, mayBe } from "./types.ts";

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: {
    // Items of lists are nodes for the parser, and each && is one more step down; our own limits come afterwards.
    maxAstNodes: 5000,
    maxDepth: 250,
    maxListElements: filterLimits.listItemsMax,
  },
});

/**
 * Reads a filter: a CEL expression over `event_type`, `user_id`, `timestamp` and values of the payload. Every name, function,
 * type and limit is checked, so that whatever passes can be computed by the engine; what is wrong is told all at once, each
 * with its column. Never throws.
 *
 * The language is CEL (https://github.com/google/cel-spec) without macros, objects and bytes. Where a payload makes it
 * differ: a missing value is null; a number of the payload is compared by its exact value, and in `+ - * /` it makes both
 * sides doubles.
 */
export function parseFilter(given: string): ParsedFilter {
  const text = given.trim();
  if (text.length > filterLimits.textMax) return refused(`a filter has at most ${filterLimits.textMax} characters`);
  if (text === "") return refused("a filter must not be empty");
  if (!text.isWellFormed()) return refused("a filter must not hold half of a surrogate pair");
  // Columns are those of the text as it was given.
  const spaces = given.length - given.trimStart().length;
  const parsed = checked(text);
  if (parsed.ok || spaces === 0) return parsed;
  return { ok: false, problems: parsed.problems.map((problem) => ({ ...problem, column: problem.column + spaces })) };
}

function checked(text: string): ParsedFilter {
  let tree;
  try {
    tree = environment.parse(text).ast;
  } catch (error) {
    return { ok: false, problems: [syntaxProblem(error, text)] };
  }
  const checker = new Checker(text);
  const whole = checker.check(tree);
  if (!mayBe(whole.type, "bool"))
    checker.problem(
      `a filter is true or false, and this is ${inWords(whole.type)}`,
      whole.at,
      "compare it with something",
    );
  if (checker.problems.length > 0) return { ok: false, problems: checker.problems.slice(0, filterLimits.problemsMax) };
  const problem = tooLarge(whole.expression);
  if (problem !== undefined) return refused(problem, "make several rules of it");
  return { ok: true, filter: { text, expression: whole.expression, fields: [...checker.fields.values()] } };
}

function tooLarge(expression: FilterExpression): string | undefined {
  const { nodes, depth, weight } = measure(expression);
  if (nodes > filterLimits.nodesMax)
    return `a filter has at most ${filterLimits.nodesMax} parts, and this has ${nodes}`;
  if (depth > filterLimits.depthMax)
    return `a filter is at most ${filterLimits.depthMax} levels deep, and this is ${depth}`;
  return weight > filterLimits.weightMax
    ? "its conditionals and comparisons are too much inside each other"
    : undefined;
}

function refused(message: string, hint?: string): ParsedFilter {
  return { ok: false, problems: [hint === undefined ? { message, column: 1 } : { message, column: 1, hint }] };
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

function hintFor(text: string, at: number): string | undefined {
  const rest = text.slice(at);
  if (/^\.\d/.test(rest)) return `write a 0 before the point: 0${/^\.\d+/.exec(rest)![0]}`;
  if (/^&(?!&)/.test(rest)) return "and is written &&";
  if (/^\|(?!\|)/.test(rest)) return "or is written ||";
  if (/^=(?!=)/.test(rest)) return "equal is written ==";
  if (/^(?:and|or|not)\b/i.test(rest)) return "and, or, not are written &&, ||, !";
  return undefined;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
