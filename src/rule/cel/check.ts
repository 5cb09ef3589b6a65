import type { ASTNode } from "@marcbachmann/cel-js";
import { UnsignedInt } from "@marcbachmann/cel-js/evaluator";
import { formatField } from "../field.ts";
import { checkCall } from "./calls.ts";
import type { Checked, Checking } from "./checking.ts";
import { columnAt } from "./column.ts";
import type {
  ArithmeticOperator,
  CompareOperator,
  FilterExpression,
  FilterField,
  FilterProblem,
  ListItem,
} from "./expression.ts";
import { readName } from "./names.ts";
import { chain } from "./syntax.ts";
import { arithmeticType, comparable, eitherType, inWords, mayBe, type StaticType } from "./types.ts";

const nothing: FilterExpression = { kind: "literal", type: "null", value: null };
const ints = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** Turns a syntax tree into a filter's expression, and collects everything that is wrong with it. */
export class Checker implements Checking {
  readonly problems: FilterProblem[] = [];
  readonly fields = new Map<string, FilterField>();
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  problem(message: string, at: number, hint?: string): Checked {
    const column = columnAt(this.#text, at);
    this.problems.push(hint === undefined ? { message, column } : { message, column, hint });
    return { expression: nothing, type: "unknown", at };
  }

  check(node: ASTNode): Checked {
    switch (node.op) {
      case "value":
        return this.#literal(node.args, node.start);
      case "id":
      case ".":
      case "[]":
        return this.#name(node);
      case "!_":
        return this.#not(node.args, node.start);
      case "-_":
        return this.#negative(node.args, node.start);
      case "&&":
      case "||":
        return this.#logic(node, node.op);
      case "==":
      case "!=":
      case "<":
      case "<=":
      case ">":
      case ">=":
        return this.#compare(node.op, node.args, node.start);
      case "in":
        return this.#in(node.args, node.start);
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
        return this.#arithmetic(node.op, node.args, node.start);
      case "?:":
        return this.#conditional(node.args, node.start);
      case "call":
        return checkCall(this, { name: node.args[0], receiver: null, args: node.args[1], at: node.start });
      case "rcall":
        return checkCall(this, {
          name: node.args[0],
          receiver: node.args[1],
          args: node.args[2],
          // Where the name of the method stands.
          at: this.#text.indexOf(node.args[0], node.args[1].end),
        });
      case "list":
        return this.problem("a list can stand only behind in", node.start, 'as in payload.country in ["DE", "FR"]');
      case "map":
        return this.problem("objects can't be written in a filter", node.start);
      case ".?":
      case "[?]":
        return this.problem("optional values are not available", node.start, "a missing value is null");
    }
  }

  want(part: Checked, wanted: StaticType, where: string, hint?: string): void {
    if (!mayBe(part.type, wanted))
      this.problem(`${where} ${inWords(wanted)}, and this is ${inWords(part.type)}`, part.at, hint);
  }

  use(field: FilterField): void {
    this.fields.set(formatField(field), field);
  }

  #literal(value: Extract<ASTNode, { readonly op: "value" }>["args"], at: number): Checked {
    if (value === null) return { expression: nothing, type: "null", at };
    if (typeof value === "bigint") return this.#integer(value, at);
    if (value instanceof UnsignedInt) return literal("uint", String(value.valueOf()), at);
    if (value instanceof Uint8Array) return this.problem("bytes are not available", at, "write a text without the b");
    if (typeof value === "boolean") return { expression: { kind: "literal", type: "bool", value }, type: "bool", at };
    if (typeof value === "number")
      return { expression: { kind: "literal", type: "double", value }, type: "double", at };
    return literal("string", value, at);
  }

  #integer(value: bigint, at: number): Checked {
    if (value >= ints.min && value <= ints.max) return literal("int", String(value), at);
    return this.problem(`${value} is beyond 64 bits`, at, `write ${value}.0 for a number that is not exact`);
  }

  #name(node: ASTNode): Checked {
    const at = node.start;
    if (node.op === "." && isLiteral(node.args[0])) return this.problem("only payload has values inside", at);
    const name = readName(node);
    if ("message" in name) return this.problem(name.message, name.at, withDash(this.#text, name.at, name.hint));
    if ("time" in name) return { expression: { kind: "timestamp" }, type: "timestamp", at };
    this.use(name.field);
    const type = name.field.kind === "payload" ? "dyn" : "string";
    return { expression: { kind: "field", field: name.field }, type, at };
  }

  #not(node: ASTNode, at: number): Checked {
    const operand = this.check(node);
    this.want(operand, "bool", "! needs", "compare it first, as in !(payload.price > 10)");
    return { expression: { kind: "not", operand: operand.expression }, type: "bool", at };
  }

  #negative(node: ASTNode, at: number): Checked {
    // The smallest integer is written as the negative of one that is no integer any more.
    if (node.op === "value" && typeof node.args === "bigint") return this.#integer(-node.args, at);
    const operand = this.check(node);
    const { expression, type } = operand;
    if (expression.kind === "literal" && expression.type === "double")
      return { expression: { ...expression, value: -expression.value }, type, at };
    if (type !== "int" && type !== "double") this.want(operand, "double", "- needs");
    return { expression: { kind: "negate", operand: expression }, type: type === "int" ? type : "double", at };
  }

  #logic(node: Extract<ASTNode, { readonly op: "&&" | "||" }>, operator: "&&" | "||"): Checked {
    const operands = chain(node, operator).map((part) => this.check(part));
    for (const operand of operands)
      this.want(operand, "bool", `${operator} needs`, "compare it first, as in payload.price > 10");
    const expressions = operands.map((operand) => operand.expression);
    return {
      expression: { kind: operator === "&&" ? "and" : "or", operands: expressions },
      type: "bool",
      at: node.start,
    };
  }

  #compare(operator: CompareOperator, [a, b]: readonly [ASTNode, ASTNode], at: number): Checked {
    const [left, right] = [this.check(a), this.check(b)];
    if (!comparable(operator, left.type, right.type))
      return this.problem(
        `${inWords(left.type)} and ${inWords(right.type)} can't be compared by ${operator}`,
        at,
        comparisonHint(left.type, right.type),
      );
    return {
      expression: { kind: "compare", operator, left: left.expression, right: right.expression },
      type: "bool",
      at,
    };
  }

  #in([a, b]: readonly [ASTNode, ASTNode], at: number): Checked {
    const value = this.check(a);
    if (b.op !== "list")
      return this.problem("behind in must stand a list", b.start, 'as in payload.country in ["DE", "FR"]');
    const items = b.args.map((item) => this.#item(item));
    const found = items.filter((item) => item.type !== "unknown");
    // In a list of several kinds the others just never match.
    if (found.length > 0 && !found.some((item) => comparable("==", value.type, item.type)))
      return this.problem(`${inWords(found[0]!.type)} is never equal to ${inWords(value.type)}`, found[0]!.at);
    const list = found.map((item) => item.expression).filter(isListItem);
    return { expression: { kind: "in", value: value.expression, list }, type: "bool", at };
  }

  #item(node: ASTNode): Checked {
    const item = this.check(node);
    if (item.type === "unknown" || isListItem(item.expression)) return item;
    return this.problem("a list may hold only values and fields", item.at, "compare with == and || instead");
  }

  #arithmetic(operator: ArithmeticOperator, [a, b]: readonly [ASTNode, ASTNode], at: number): Checked {
    const [left, right] = [this.check(a), this.check(b)];
    const type = arithmeticType(operator, left.type, right.type);
    if (type === null)
      return this.problem(
        `${operator} can't take ${inWords(left.type)} and ${inWords(right.type)}`,
        at,
        operator === "%" ? "% needs integers; int() makes one" : undefined,
      );
    return { expression: { kind: "arithmetic", operator, left: left.expression, right: right.expression }, type, at };
  }

  #conditional([a, b, c]: readonly [ASTNode, ASTNode, ASTNode], at: number): Checked {
    const [condition, yes, no] = [this.check(a), this.check(b), this.check(c)];
    this.want(condition, "bool", "? needs", "compare it first, as in payload.price > 10 ? … : …");
    const type = eitherType(yes.type, no.type);
    if (type === null)
      return this.problem(
        `both sides of : must be of one kind; these are ${inWords(yes.type)} and ${inWords(no.type)}`,
        at,
      );
    const [whenTrue, whenFalse] = [yes.expression, no.expression];
    return { expression: { kind: "conditional", condition: condition.expression, whenTrue, whenFalse }, type, at };
  }
}

/** Longer ones are no slip. */
const keyLengthMax = 128;

/** The hint, and how a key is written that holds the `-` before this place, if it may be one. */
function withDash(text: string, at: number, hint: string | undefined): string | undefined {
  const [before] = /(?<=\.)[\p{L}\p{N}_$@-]+-$/u.exec(text.slice(Math.max(0, at - keyLengthMax), at)) ?? [];
  const [behind] = /^[\p{L}\p{N}_$@-]+/u.exec(text.slice(at)) ?? [];
  if (before === undefined || behind === undefined) return hint;
  const written = `a key with - in it is written ["${before}${behind}"]`;
  return hint === undefined ? written : `${hint} ${written}`;
}

const isListItem = (expression: FilterExpression): expression is ListItem =>
  expression.kind === "literal" || expression.kind === "field";

const isLiteral = (node: ASTNode): boolean => node.op === "value";

function literal(type: "int" | "uint" | "string", value: string, at: number): Checked {
  return { expression: { kind: "literal", type, value }, type, at };
}

function comparisonHint(left: StaticType, right: StaticType): string | undefined {
  const types = [left, right];
  if (types.includes("timestamp")) return 'a time is written timestamp("2026-01-31T12:00:00Z")';
  if (types.includes("duration")) return 'a duration is written duration("1h30m")';
  if (types.includes("null")) return "only payload values can be null";
  if (types.includes("string") && types.some((type) => type === "int" || type === "double"))
    return 'write a text in quotes, as in "7"';
  return undefined;
}
