import type { FilterExpression } from "./expression.ts";

/** How large an expression is. */
export interface Measures {
  readonly nodes: number;
  readonly depth: number;
  /**
   * How far operations stand inside each other as people see it: what is read from left to right, as `a + b - c`, `a || b || c`
   * or `a ? 1 : b ? 2 : 3`, is one level, however long it is.
   */
  readonly nesting: number;
  /** About how many function calls its SQL has. */
  readonly weight: number;
}

/**
 * Counts nodes, depth and nesting, and how large the SQL may become. What is done with a conditional of several types is written out
 * for each of its branches, together with what it is done with, so nested conditionals can grow out of all proportion.
 */
export function measure(expression: FilterExpression): Measures {
  const { nodes, depth, nesting, weight } = sizeOf(expression, new Map());
  return { nodes, depth, nesting, weight };
}

interface Size extends Measures {
  /** For how many possible types what is done with it is written out. */
  readonly branches: number;
}

/** What stands in an expression several times is looked at once: nested, that would double with every level. */
function sizeOf(expression: FilterExpression, known: Map<FilterExpression, Size>): Size {
  const size =
    known.get(expression) ??
    sizeOfParts(
      expression,
      partsOf(expression).map((part) => sizeOf(part, known)),
    );
  known.set(expression, size);
  return size;
}

function sizeOfParts(expression: FilterExpression, parts: readonly Size[]): Size {
  const nodes = 1 + sum(parts.map((part) => part.nodes));
  const depth = 1 + Math.max(0, ...parts.map((part) => part.depth));
  const levels = parts.map((part, index) => part.nesting + (goesOn(expression, index) ? 0 : 1));
  const nesting = Math.max(1, ...levels);
  if (expression.kind === "conditional") {
    const [condition, yes, no] = parts;
    const weight = 2 * condition!.weight + yes!.weight + no!.weight + 3;
    return { nodes, depth, nesting, weight, branches: yes!.branches + no!.branches };
  }
  const written = parts.reduce((product, part) => product * part.branches, 1);
  // Each part stands once for every branch of the others.
  const repeated = sum(parts.map((part) => (part.weight * written) / part.branches));
  const weight = Math.min(repeated * copies(expression) + 2 * written, 1e9);
  // A sum may be a text or a number.
  const branches = expression.kind === "arithmetic" && expression.operator === "+" ? 2 : 1;
  return {
    nodes,
    depth,
    nesting,
    weight,
    branches: expression.kind === "convert" && expression.to === "dyn" ? written : branches,
  };
}

/** Whether a part, by its index, is what the operation goes on from, or with, and no level of its own. */
function goesOn(expression: FilterExpression, index: number): boolean {
  const { kind } = expression;
  if (kind === "compare") return index === 0 && isRelation(expression.left);
  // The others are the comparisons that it is made of.
  if (kind === "in") return index > 0 || isRelation(expression.value);
  if (kind === "arithmetic") return index === 0 && rankOf(expression.left) === rankOf(expression);
  return kind === "conditional" && index === 2 && expression.whenFalse.kind === "conditional";
}

const isRelation = (expression: FilterExpression): boolean => expression.kind === "compare" || expression.kind === "in";

/** Sums and differences are of one rank, products and the like of another. */
function rankOf(expression: FilterExpression): "sum" | "product" | undefined {
  if (expression.kind !== "arithmetic") return undefined;
  return expression.operator === "+" || expression.operator === "-" ? "sum" : "product";
}

/** How often the SQL of an operation may hold that of its parts. */
function copies(expression: FilterExpression): number {
  if (expression.kind === "part") return 3;
  if (expression.kind === "convert") return expression.to === "dyn" ? 1 : 2;
  if (expression.kind === "in") return isPlain(expression.value) ? 1 : 4;
  if (expression.kind !== "compare") return 1;
  return isPlain(expression.left) || isPlain(expression.right) ? 2 : 4;
}

const isPlain = (expression: FilterExpression): boolean => expression.kind === "literal" || expression.kind === "field";

function partsOf(expression: FilterExpression): readonly FilterExpression[] {
  switch (expression.kind) {
    case "literal":
    case "field":
    case "timestamp":
    case "has":
      return [];
    case "not":
    case "negate":
    case "size":
    case "convert":
      return [expression.operand];
    case "and":
    case "or":
      return expression.operands;
    case "compare":
    case "arithmetic":
      return [expression.left, expression.right];
    case "in":
      return [expression.value, ...comparisonsOf(expression)];
    case "conditional":
      return [expression.condition, expression.whenTrue, expression.whenFalse];
    case "search":
      return [expression.text, expression.wanted];
    case "matches":
      return [expression.text];
    case "part":
      return [expression.time];
  }
}

/** Constants of a list are compared all at once, and each of its fields by itself. */
function comparisonsOf({ value, list }: Extract<FilterExpression, { readonly kind: "in" }>): FilterExpression[] {
  return list
    .filter((item) => item.kind === "field")
    .map((item) => ({ kind: "compare", operator: "==", left: value, right: item }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
