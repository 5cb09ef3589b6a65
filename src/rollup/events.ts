import { metricInputs } from "../rule/metric.ts";
import type { FieldRef } from "../rule/rule.ts";
import type { Bindings } from "./bindings.ts";
import { FieldColumns, type FieldForm } from "./fields.ts";
import { renderCondition } from "./filter.ts";
import type { FilterScope } from "./filter-values.ts";
import { lateFrom, latenessOf, latenessStep, startOf } from "./pane.ts";
import type { PlanMember, PlanShape, RollupPlan } from "./plan.ts";
import { fieldKey, spanKey } from "./plan.ts";

/** The events of a range as the branches read them. */
export interface EventsPart {
  readonly sql: string;
  readonly startOf: (shape: PlanShape) => string;
  readonly lateOf: (shape: PlanShape) => string;
}

/**
 * The select of the events of a range, with a column for everything that any rule reads of them: each field is read and
 * typed once, each filter is decided once.
 */
export function renderEvents(plan: RollupPlan, bindings: Bindings): EventsPart {
  const starts = new Map<string, string>();
  const lates = new Map<string, string>();
  const times = new Map<string, string>();
  for (const shape of plan.shapes) {
    const start = named(starts, "start", spanKey(shape.pane));
    times.set(start, startOf(shape.pane, bindings));
    times.set(named(lates, "late", latenessesKey(shape)), latenessOf(shape, start, bindings));
  }
  const fields = new FieldColumns(plan.fields, bindings);
  for (const [index, form] of formsRead(plan)) fields.column(index, form);
  const scope = scopeOf(plan, bindings);
  const passes = plan.filters.map(
    (filter, index) => [`pass${index}`, `ifNull(${renderCondition(filter.expression, scope)}, 0)`] as const,
  );
  for (const [, sql] of passes) addRead(sql, fields);
  const columns = [...positions(plan), ...times, ...fields.all, ...passes];
  return {
    sql: `    SELECT ${columns.map(([name, sql]) => (sql === name ? sql : `${sql} AS ${name}`)).join(",\n      ")}
    FROM raw_events
    WHERE src = {src:UInt16} AND off BETWEEN {from:UInt64} AND {to:UInt64}`,
    startOf: (shape) => starts.get(spanKey(shape.pane))!,
    lateOf: (shape) => lates.get(latenessesKey(shape))!,
  };
}

/** When an event was, when it was received, and its place in the log where that decides. */
function positions(plan: RollupPlan): readonly (readonly [string, string])[] {
  const byPlace = members(plan).some(({ metric }) => metric === "first" || metric === "last");
  return [
    ["at", "toUnixTimestamp64Milli(timestamp)"],
    ["received", "toUnixTimestamp64Milli(received_at)"],
    ...(byPlace ? ([["off", "off"]] as const) : []),
  ];
}

/** Equal for shapes in which an event's pane and lateness are the same. */
export const latenessesKey = (shape: PlanShape): string =>
  [spanKey(shape.pane), latenessStep(shape), Math.max(...shape.members.map(lateFrom))].join(" ");

/** What group keys and metrics read. */
function formsRead(plan: RollupPlan): readonly (readonly [index: number, form: FieldForm])[] {
  const keys = plan.shapes.flatMap((shape) => shape.groupBy.map((index) => [index, "text"] as const));
  const inputs = members(plan).flatMap((member) =>
    member.field === null ? [] : [[member.field, formRead(member)] as const],
  );
  return [...keys, ...inputs];
}

function formRead({ metric, decimals }: PlanMember): FieldForm {
  if (metricInputs[metric] !== "number") return "text";
  return decimals === undefined ? "number" : { places: decimals };
}

/** A filter asks for more names than it uses in the end. */
function scopeOf(plan: RollupPlan, bindings: Bindings): FilterScope {
  const indexes = new Map(plan.fields.map((field, index) => [fieldKey(field), index]));
  const at = (field: FieldRef): number => indexes.get(fieldKey(field))!;
  return {
    bind: (value, type) => bindings.bind("value", type, value),
    raw: (field) => `raw${at(field)}`,
    number: (field) => `number${at(field)}`,
    integer: (field) => `integer${at(field)}`,
    string: (field) => `string${at(field)}`,
    length: (field) => `length${at(field)}`,
    text: (field) => `text${at(field)}`,
    timestampMs: "at",
  };
}

/** Adds the columns that a condition names. Its text has no other words of this form: values are bound. */
function addRead(condition: string, fields: FieldColumns): void {
  for (const [, form, index] of condition.matchAll(/\b(raw|text|number|integer|string|length)(\d+)\b/g))
    fields.column(Number(index), form as FieldForm);
}

const members = (plan: RollupPlan): readonly PlanMember[] => plan.shapes.flatMap((shape) => shape.members);

function named(names: Map<string, string>, prefix: string, key: string): string {
  const name = names.get(key) ?? `${prefix}${names.size}`;
  names.set(key, name);
  return name;
}
