/**
 * A filter as plain data: what a CEL text means once it is read and checked. It can be written as JSON and holds nothing of
 * the library that read it.
 */

/** What a filter reads of an event, besides its time; the same shape as the rule's own fields. */
export type FilterField =
  | { readonly kind: "event_type" }
  | { readonly kind: "user_id" }
  | { readonly kind: "payload"; readonly path: readonly string[] };

export type PayloadField = Extract<FilterField, { readonly kind: "payload" }>;

/** Integers are decimal digits, so that none of their 64 bits is lost; times and durations are milliseconds. */
export type FilterLiteral = { readonly kind: "literal" } & (
  | { readonly type: "int" | "uint"; readonly value: string }
  | { readonly type: "double" | "timestamp" | "duration"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "null"; readonly value: null }
);

export type CompareOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%";

/** CEL's accessors of a time, in a zone. Of a duration, the whole of it in that unit, but for its milliseconds. */
export type TimePart =
  | "getFullYear"
  | "getMonth"
  | "getDate"
  | "getDayOfMonth"
  | "getDayOfWeek"
  | "getDayOfYear"
  | "getHours"
  | "getMinutes"
  | "getSeconds"
  | "getMilliseconds";

/** A name of the IANA data base, or an offset in minutes east of UTC. */
export type Zone = string | number;

export type FilterExpression =
  | FilterLiteral
  | { readonly kind: "field"; readonly field: FilterField }
  /** The event's time. */
  | { readonly kind: "timestamp" }
  | { readonly kind: "has"; readonly field: PayloadField }
  | { readonly kind: "not" | "negate"; readonly operand: FilterExpression }
  | { readonly kind: "and" | "or"; readonly operands: readonly FilterExpression[] }
  | {
      readonly kind: "compare";
      readonly operator: CompareOperator;
      readonly left: FilterExpression;
      readonly right: FilterExpression;
    }
  | { readonly kind: "in"; readonly value: FilterExpression; readonly list: readonly ListItem[] }
  | {
      readonly kind: "arithmetic";
      readonly operator: ArithmeticOperator;
      readonly left: FilterExpression;
      readonly right: FilterExpression;
    }
  | {
      readonly kind: "conditional";
      readonly condition: FilterExpression;
      readonly whenTrue: FilterExpression;
      readonly whenFalse: FilterExpression;
    }
  | {
      readonly kind: "search";
      readonly name: "startsWith" | "endsWith" | "contains";
      readonly text: FilterExpression;
      readonly wanted: FilterExpression;
    }
  | { readonly kind: "matches"; readonly text: FilterExpression; readonly pattern: string }
  | { readonly kind: "size"; readonly operand: FilterExpression }
  | { readonly kind: "part"; readonly part: TimePart; readonly time: FilterExpression; readonly zone: Zone }
  | { readonly kind: "convert"; readonly to: "int" | "double" | "string" | "dyn"; readonly operand: FilterExpression };

/** Only what can't fail may be in a list. */
export type ListItem = FilterLiteral | { readonly kind: "field"; readonly field: FilterField };

/** A filter that passed every check. */
export interface Filter {
  /** As it was given, without space around it. */
  readonly text: string;
  readonly expression: FilterExpression;
  /** Every field that it reads, once, in order of appearance. */
  readonly fields: readonly FilterField[];
}

export interface FilterProblem {
  readonly message: string;
  /** The character where it is, counted from 1 through the whole text. */
  readonly column: number;
  /** What to write instead, where that can be told. */
  readonly hint?: string;
}

export type ParsedFilter =
  | { readonly ok: true; readonly filter: Filter }
  | { readonly ok: false; readonly problems: readonly FilterProblem[] };

/** How large a filter may be, whoever stored it. */
export const filterLimits = {
  /** UTF-16 units of its text. */
  textMax: 4096,
  /** Parts of the expression; a field in a list is a comparison with it, and constants count by the next bound but one. */
  nodesMax: 500,
  /** Operations of which each works on what the one before gives. */
  depthMax: 50,
  listItemsMax: 1000,
  /** Characters of a pattern for matches(). */
  patternMax: 1000,
  /** How large the SQL may become, counted roughly in function calls. */
  weightMax: 2000,
  problemsMax: 20,
} as const;

/** What is asked besides of a filter that is sent. One that a rule has had already is counted on, whatever it was when it was taken. */
export const fences = {
  /** Bytes of its text in UTF-8. */
  textBytesMax: 4096,
  /** Bytes of a text within it. */
  literalBytesMax: 1024,
  /** As people see it: see `Measures`. */
  nestingMax: 16,
} as const;
