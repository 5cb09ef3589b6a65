import { Checker } from "./check.ts";
import { fences, type FilterExpression, filterLimits, type ParsedFilter } from "./expression.ts";
import { longTexts } from "./long-texts.ts";
import { measure } from "./measure.ts";
import { readSyntax } from "./syntax.ts";
import { inWords, mayBe } from "./types.ts";

/**
 * Reads a filter: a CEL expression over `event_type`, `user_id`, `timestamp` and values of the payload. Every name, function,
 * type and limit is checked, so that whatever passes can be computed by the engine; what is wrong is told all at once, each
 * with its column. Never throws.
 *
 * The language is CEL (https://github.com/google/cel-spec) without macros, objects and bytes. Where a payload makes it
 * differ: a missing value is null; a number of the payload is compared by its exact value, and in `+ - * /` it makes both
 * sides doubles.
 *
 * `isStored` says that a rule has had it before: then it may be beyond the fences, which came later than some rules.
 */
export function parseFilter(given: string, isStored = false): ParsedFilter {
  const text = given.trim();
  const long = tooLong(text, isStored);
  if (long !== undefined) return refused(long);
  if (text === "") return refused("a filter must not be empty");
  if (!text.isWellFormed()) return refused("a filter must not hold half of a surrogate pair");
  // Columns are those of the text as it was given.
  const spaces = given.length - given.trimStart().length;
  const parsed = checked(text, isStored);
  if (parsed.ok || spaces === 0) return parsed;
  return { ok: false, problems: parsed.problems.map((problem) => ({ ...problem, column: problem.column + spaces })) };
}

function tooLong(text: string, isStored: boolean): string | undefined {
  if (isStored)
    return text.length > filterLimits.textMax ? `a filter has at most ${filterLimits.textMax} characters` : undefined;
  const bytes = Buffer.byteLength(text);
  if (bytes <= fences.textBytesMax) return undefined;
  return `a filter has at most ${fences.textBytesMax} bytes in UTF-8, and this has ${bytes}`;
}

function checked(text: string, isStored: boolean): ParsedFilter {
  const read = readSyntax(text);
  if ("problem" in read) return { ok: false, problems: [read.problem] };
  const checker = new Checker(text);
  const whole = checker.check(read.tree);
  if (!mayBe(whole.type, "bool"))
    checker.problem(
      `a filter is true or false, and this is ${inWords(whole.type)}`,
      whole.at,
      "compare it with something",
    );
  const problems = isStored ? checker.problems : [...checker.problems, ...longTexts(read.tree, text)];
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, filterLimits.problemsMax) };
  const problem = tooLarge(whole.expression, isStored);
  if (problem !== undefined) return refused(...problem);
  return { ok: true, filter: { text, expression: whole.expression, fields: [...checker.fields.values()] } };
}

const inParts = "make several rules of it";

/** What is too large about it, and what to do. */
function tooLarge(expression: FilterExpression, isStored: boolean): [message: string, hint: string] | undefined {
  const { nodes, depth, nesting, weight } = measure(expression);
  const { depthMax, nodesMax, weightMax } = filterLimits;
  if (nesting > fences.nestingMax && !isStored)
    return [`a filter is at most ${fences.nestingMax} levels deep, and this is ${nesting}`, inParts];
  if (depth > depthMax)
    return [
      `at most ${depthMax} operations may each work on what the one before gives, as in a + b + c, and here ${depth} do`,
      inParts,
    ];
  if (nodes > nodesMax) return [`a filter has at most ${nodesMax} parts, and this has ${nodes}`, inParts];
  if (weight <= weightMax) return undefined;
  return [
    `comparisons of comparisons (as a == b == c), and conditionals in comparisons, double what is computed with each step: here to some ${Math.ceil(weight)} calls, of at most ${weightMax}`,
    `write a == b && b == c where a == b == c is to say that all are equal, or ${inParts}`,
  ];
}

function refused(message: string, hint?: string): ParsedFilter {
  return { ok: false, problems: [hint === undefined ? { message, column: 1 } : { message, column: 1, hint }] };
}
