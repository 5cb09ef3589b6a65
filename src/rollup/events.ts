import { metricInputs } from "../rule/metric.ts";
import type { Bindings } from "./bindings.ts";
import { decimalColumn } from "./input.ts";
import { lateFrom, latenessOf, latenessStep, startOf } from "./pane.ts";
import type { PlanShape, RollupPlan } from "./plan.ts";
import { spanKey } from "./plan.ts";
import { textOf } from "./value.ts";

/** The events of a range as the branches read them. */
export interface EventsPart {
  readonly sql: string;
  readonly startOf: (shape: PlanShape) => string;
  readonly lateOf: (shape: PlanShape) => string;
}

/** From this many top-level keys on, a payload is taken apart once instead of being searched for each of them. */
const keysForPairs = 3;

/**
 * The select of the events of a range, with a column for everything that any rule reads of them: each field is read and
 * typed once, each filter is decided once.
 */
export function renderEvents(plan: RollupPlan, bindings: Bindings): EventsPart {
  const columns = new Columns();
  columns.add("at", "toUnixTimestamp64Milli(timestamp)");
  columns.add("received", "toUnixTimestamp64Milli(received_at)");
  if (members(plan).some(({ metric }) => metric === "first" || metric === "last")) columns.add("off", "off");
  const starts = new Map<string, string>();
  const lates = new Map<string, string>();
  for (const shape of plan.shapes) {
    const start = named(starts, "start", spanKey(shape.pane));
    columns.add(start, startOf(shape.pane, bindings));
    columns.add(named(lates, "late", latenessesKey(shape)), latenessOf(shape, start, bindings));
  }
  fieldColumns(plan, columns, bindings);
  return {
    sql: `    SELECT ${columns.text}
    FROM raw_events
    WHERE src = {src:UInt16} AND off BETWEEN {from:UInt64} AND {to:UInt64}`,
    startOf: (shape) => starts.get(spanKey(shape.pane))!,
    lateOf: (shape) => lates.get(latenessesKey(shape))!,
  };
}

/** Equal for shapes in which the lateness is the same. */
const latenessesKey = (shape: PlanShape): string =>
  [spanKey(shape.pane), latenessStep(shape), Math.max(...shape.members.map(lateFrom))].join(" ");

function fieldColumns(plan: RollupPlan, columns: Columns, bindings: Bindings): void {
  const top = new Set(plan.fields.flatMap((field) => (field.kind === "payload" ? [field.path[0]!] : [])));
  const inPairs = top.size >= keysForPairs;
  if (inPairs) {
    columns.add("pairs", "JSONExtractKeysAndValuesRaw(payload)");
    columns.add("names", "pairs.1");
    columns.add("texts", "pairs.2");
  }
  plan.fields.forEach((field, index) => {
    if (field.kind !== "payload") return columns.add(`text${index}`, field.kind);
    const keys = field.path.map((key) => bindings.bind("key", "String", key));
    const raw = `raw${index}`;
    columns.add(raw, inPairs ? fromPairs(keys) : `JSONExtractRaw(payload, ${keys.join(", ")})`);
    const wanted = wantedOf(plan, index);
    if (wanted.text) columns.add(`text${index}`, textOf(raw));
    if (wanted.number) columns.add(`number${index}`, `toFloat64OrNull(${raw})`);
    for (const places of wanted.decimals)
      columns.add(decimalColumn(index, places), `round(toDecimal256OrNull(${raw}, 30), ${places})`);
  });
}

/** A key that is not there gives the empty text, as a search for it does. */
function fromPairs([first, ...rest]: readonly string[]): string {
  const value = `texts[indexOf(names, ${first})]`;
  return rest.length === 0 ? value : `JSONExtractRaw(${[value, ...rest].join(", ")})`;
}

/** In which forms the plan reads a payload value. */
function wantedOf(plan: RollupPlan, index: number): { text: boolean; number: boolean; decimals: ReadonlySet<number> } {
  const readers = members(plan).filter((member) => member.field === index);
  const numeric = readers.filter((member) => metricInputs[member.metric] === "number");
  const isGroupKey = plan.shapes.some((shape) => shape.groupBy.includes(index));
  return {
    text: isGroupKey || numeric.length < readers.length,
    number: numeric.some((member) => member.decimals === undefined),
    decimals: new Set(numeric.flatMap((member) => member.decimals ?? [])),
  };
}

const members = (plan: RollupPlan): PlanShape["members"] => plan.shapes.flatMap((shape) => shape.members);

function named(names: Map<string, string>, prefix: string, key: string): string {
  const name = names.get(key) ?? `${prefix}${names.size}`;
  names.set(key, name);
  return name;
}

/** Named expressions of a SELECT; a later one may use the names before it. */
class Columns {
  readonly #expressions = new Map<string, string>();

  add(name: string, expression: string): void {
    this.#expressions.set(name, expression);
  }

  get text(): string {
    return [...this.#expressions].map(([name, sql]) => (sql === name ? sql : `${sql} AS ${name}`)).join(",\n      ");
  }
}
