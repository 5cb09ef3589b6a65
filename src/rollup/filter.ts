import type { FilterExpression, FilterLiteral, ListItem } from "../rule/cel/expression.ts";
import { constant, equality, order } from "./filter-compare.ts";
import { convert, matches, part, search, size } from "./filter-functions.ts";
import { membership } from "./filter-membership.ts";
import { arithmetic, negative } from "./filter-numbers.ts";
import {
  asBoolean,
  choose,
  each,
  failed,
  type FilterScope,
  type Leaf,
  type Typed,
  typed,
  type Value,
} from "./filter-values.ts";

/**
 * The SQL of a filter: Nullable(UInt8), 1 for true, 0 for false, NULL for CEL's error. User values are in it by
 * `scope.bind` alone; function names come from the tables of these files.
 */
export function renderFilter(expression: FilterExpression, scope: FilterScope): string {
  return asBoolean(new Renderer(scope).value(expression, false), scope, false).sql;
}

/** The same where it only matters whether the filter is true: 1 exactly then, else 0 or NULL. In fewer functions. */
export function renderCondition(expression: FilterExpression, scope: FilterScope): string {
  return asBoolean(new Renderer(scope).value(expression, true), scope, true).sql;
}

class Renderer {
  readonly #scope: FilterScope;

  constructor(scope: FilterScope) {
    this.#scope = scope;
  }

  /** `loose`: it only matters whether the part is true, so that a 0 may stand as NULL. */
  value(expression: FilterExpression, loose: boolean): Value {
    const scope = this.#scope;
    switch (expression.kind) {
      case "literal":
        return this.#literal(expression);
      case "field":
        return this.#field(expression);
      case "timestamp":
        return typed("timestamp", scope.timestampMs, true);
      case "has":
        return typed("bool", `(${scope.raw(expression.field)} NOT IN ('', 'null'))`, true);
      case "not":
        return this.#not(expression.operand);
      case "and":
      case "or":
        return this.#logic(expression.kind, expression.operands, loose);
      case "compare":
        return this.#two(expression.left, expression.right, (a, b) =>
          expression.operator === "==" || expression.operator === "!="
            ? equality(expression.operator, a, b, scope, loose)
            : order(expression.operator, a, b, scope),
        );
      case "in":
        return this.#one(expression.value, (value) => this.#in(value, expression.list, loose));
      case "arithmetic":
        return this.#two(expression.left, expression.right, (a, b) => arithmetic(expression.operator, a, b, scope));
      case "negate":
        return this.#one(expression.operand, (leaf) => negative(leaf, scope));
      case "conditional":
        return this.#conditional(expression, loose);
      case "search":
        return this.#two(expression.text, expression.wanted, (a, b) => search(expression.name, a, b, scope));
      case "matches":
        return this.#one(expression.text, (leaf) => matches(leaf, expression.pattern, scope));
      case "size":
        return this.#one(expression.operand, (leaf) => size(leaf, scope));
      case "part":
        return this.#one(expression.time, (leaf) => part(expression.part, expression.zone, leaf, scope));
      case "convert":
        return this.#convert(expression);
    }
  }

  #one(operand: FilterExpression, make: (leaf: Leaf) => Typed | null): Value {
    return each(this.value(operand, false), (leaf) => make(leaf) ?? failed);
  }

  #two(left: FilterExpression, right: FilterExpression, make: (a: Leaf, b: Leaf) => Value | null): Value {
    const second = this.value(right, false);
    return each(this.value(left, false), (a) => each(second, (b) => make(a, b) ?? failed));
  }

  #literal(literal: FilterLiteral): Leaf {
    switch (literal.type) {
      case "null":
        return { kind: "null" };
      case "bool":
        return { ...constant(literal.value), literal };
      case "string":
        return { ...typed("string", this.#scope.bind(literal.value, "String"), true), literal };
      case "double":
        return { ...typed("double", this.#double(literal.value), true), literal };
      case "uint":
        return { ...typed("uint", this.#scope.bind(literal.value, "UInt64"), true), literal };
      case "int":
        return { ...typed("int", this.#scope.bind(literal.value, "Int64"), true), literal };
      case "timestamp":
      case "duration":
        return typed(literal.type, this.#scope.bind(String(literal.value), "Int64"), true);
    }
  }

  /** The sign of a zero, by which what divides by it goes, is lost on the way of what is bound. */
  #double(value: number): string {
    return Object.is(value, -0) ? `negate(${this.#scope.bind(0, "Float64")})` : this.#scope.bind(value, "Float64");
  }

  #field({ field }: Extract<FilterExpression, { readonly kind: "field" }>): Leaf {
    return field.kind === "payload" ? { kind: "payload", field } : typed("string", this.#scope.text(field), true);
  }

  #not(operand: FilterExpression): Value {
    const { sql, sure } = asBoolean(this.value(operand, false), this.#scope, false);
    return typed("bool", `not(${sql})`, sure);
  }

  /** The engine's AND and OR are CEL's: `false && error` is false, `true || error` true, in any order. */
  #logic(name: "and" | "or", operands: readonly FilterExpression[], loose: boolean): Typed {
    const parts = operands.map((operand) => asBoolean(this.value(operand, loose), this.#scope, loose));
    return typed(
      "bool",
      `${name}(${parts.map(({ sql }) => sql).join(", ")})`,
      parts.every(({ sure }) => sure),
    );
  }

  #conditional(expression: Extract<FilterExpression, { readonly kind: "conditional" }>, loose: boolean): Value {
    const condition = asBoolean(this.value(expression.condition, false), this.#scope, false);
    return choose(condition, this.value(expression.whenTrue, loose), this.value(expression.whenFalse, loose));
  }

  #in(value: Leaf, list: readonly ListItem[], loose: boolean): Typed | null {
    const items = list.map((item) => (item.kind === "literal" ? this.#literal(item) : this.#field(item)));
    return membership(value, items, this.#scope, loose);
  }

  #convert({ to, operand }: Extract<FilterExpression, { readonly kind: "convert" }>): Value {
    return to === "dyn" ? this.value(operand, false) : this.#one(operand, (leaf) => convert(to, leaf, this.#scope));
  }
}
