import type { ASTNode } from "@marcbachmann/cel-js";
import { columnAt } from "./column.ts";
import type { CompareOperator, FilterProblem } from "./expression.ts";
import { chain, readSyntax } from "./syntax.ts";

/** One comparison of a window's value. */
export interface Condition {
  readonly operator: CompareOperator;
  readonly value: number;
}

export type ParsedHaving =
  | { readonly ok: true; readonly conditions: readonly Condition[] }
  | { readonly ok: false; readonly problem: FilterProblem };

const conditionsMax = 10;
/** More than `formatHaving` makes of so many comparisons, some 40 characters each: what it has written is read again. */
const textMax = 512;
const shape = 'compare value with numbers, joined by &&, as in "value >= 10 && value < 100"';

/** Reads comparisons of `value` with numbers, joined by `&&`, by the grammar of CEL. Never throws. */
export function parseHaving(text: string): ParsedHaving {
  if (text.length > textMax) return refused(`has at most ${textMax} characters`, 1);
  if (text.trim() === "") return refused("must not be empty", 1, shape);
  const read = readSyntax(text);
  if ("problem" in read) return { ok: false, problem: read.problem };
  const conditions: Condition[] = [];
  for (const node of chain(read.tree, "&&")) {
    const condition = conditionOf(node);
    if (condition === undefined)
      return refused("is no comparison of value with a number", columnAt(text, node.start), shape);
    conditions.push(condition);
  }
  if (conditions.length > conditionsMax) return refused(`has at most ${conditionsMax} comparisons`, 1);
  return { ok: true, conditions };
}

/** The comparisons as one text. */
export const formatHaving = (conditions: readonly Condition[]): string =>
  conditions.map(({ operator, value }) => `value ${operator} ${value}`).join(" && ");

function conditionOf(node: ASTNode): Condition | undefined {
  if (!isComparison(node)) return undefined;
  const [left, right] = node.args;
  return comparison(node.op, left, right) ?? comparison(turned[node.op], right, left);
}

const isComparison = (node: ASTNode): node is Extract<ASTNode, { readonly op: CompareOperator }> =>
  Object.hasOwn(turned, node.op);

/** What says the same with the sides exchanged. */
const turned: Readonly<Record<CompareOperator, CompareOperator>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

function comparison(operator: CompareOperator, left: ASTNode, right: ASTNode): Condition | undefined {
  const value = numberOf(right);
  const named = left.op === "id" && left.args === "value";
  return named && value !== undefined && Number.isFinite(value) ? { operator, value } : undefined;
}

/** The number that is written, with its sign; -0 is 0. */
function numberOf(node: ASTNode): number | undefined {
  if (node.op === "-_") {
    const operand = numberOf(node.args);
    return operand === undefined ? undefined : 0 - operand;
  }
  if (node.op !== "value") return undefined;
  return typeof node.args === "number" || typeof node.args === "bigint" ? Number(node.args) : undefined;
}

function refused(message: string, column: number, hint?: string): ParsedHaving {
  return { ok: false, problem: hint === undefined ? { message, column } : { message, column, hint } };
}
