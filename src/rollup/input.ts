import type { FieldRef } from "../rule/rule.ts";

/** A value of an event, in the forms that aggregates take. */
export interface Value {
  /** Null where there is none. */
  readonly nullable: string;
  /** Never null; of any content where there is none. */
  readonly known: string;
  /** The condition that there is one; null: there always is. */
  readonly present: string | null;
}

/** What a metric may read of an event. */
export interface Input {
  /** The column that says whether an event passes the rule's filter; null: all do. */
  readonly filter: string | null;
  /** As a Float64. */
  readonly number: Value;
  /** As a decimal of the rule's places. */
  readonly decimal: Value;
  /** A scalar by its text. */
  readonly text: Value;
  /** A scalar as JSON. */
  readonly json: Value;
}

/** What is read of the field with this index, when numbers have so many places. */
export function inputOf(field: FieldRef, index: number, places: number | undefined, filter: string | null): Input {
  const text = field.kind === "payload" ? column(`text${index}`) : always(`text${index}`);
  return {
    filter,
    number: column(`number${index}`),
    decimal: column(decimalColumn(index, places ?? 0)),
    text,
    json: field.kind === "payload" ? { ...text, known: `raw${index}` } : always(`toJSONString(text${index})`),
  };
}

/** The column of a field's numbers, read with so many places. */
export const decimalColumn = (index: number, places: number): string => `decimal${index}_${places}`;

/** An aggregate that skips nulls by itself, over the events that pass. */
export const over = (aggregate: string, value: Value, filter: string | null): string =>
  filter === null ? `${aggregate}(${value.nullable})` : `${aggregate}If(${value.nullable}, ${filter})`;

/** The state of an aggregate over the events that pass and have the value. `parameters` come before the values. */
export function stateOver(
  aggregate: { readonly name: string; readonly parameters?: string },
  values: readonly string[],
  conditions: readonly (string | null)[],
): string {
  const given = conditions.filter((condition) => condition !== null);
  const parameters = aggregate.parameters === undefined ? "" : `(${aggregate.parameters})`;
  if (given.length === 0) return `${aggregate.name}State${parameters}(${values.join(", ")})`;
  return `${aggregate.name}StateIf${parameters}(${[...values, given.join(" AND ")].join(", ")})`;
}

const column = (name: string): Value => ({
  nullable: name,
  known: `assumeNotNull(${name})`,
  present: `isNotNull(${name})`,
});

const always = (sql: string): Value => ({ nullable: sql, known: sql, present: null });
