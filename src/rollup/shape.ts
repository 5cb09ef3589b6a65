import { metricInputs } from "../rule/metric.ts";
import { metricForms, stateColumns, type StateName, stateNames } from "./metrics.ts";
import type { PlanMember, PlanShape } from "./plan.ts";

export const groupType = "Array(Nullable(String))";

/** When the windows of a shape's members end, seconds behind the pane's start, each once. */
export const distinctEnds = (shape: PlanShape): number[] => [...new Set(shape.members.map((member) => member.endSeconds))];

/**
 * One shape of a plan: its groups are aggregated once, each distinct aggregate once, and spread to one row for each rule.
 * `at` is the shape's place in the bound lists, from 1.
 */
export function shapeSelect(shape: PlanShape, at: number): string {
  const aggregates = new Aggregates();
  const spread = new Spread();
  const n = spread.column("n", shape.members.map((member) => aggregates.name(entered(member))));
  const late = spread.column("late", shape.members.map((member) => aggregates.name(lateCount(shape, member, at))));
  const states = stateNames.map((state) => spread.column(state, shape.members.map((member) => stateOf(member, state, aggregates))));
  const texts = shape.groupBy.map((field) => `text${field}`);
  return `SELECT series, toDateTime(slot * ${pane(at)}, 'UTC'), grp, ${[n, `toUInt64(events - ${n})`, late, ...states].join(", ")}
FROM (
  SELECT intDiv(at, ${pane(at)} * 1000) AS slot, CAST([${texts.join(", ")}], '${groupType}') AS grp,
    ${["count() AS events", ...aggregates.list()].join(", ")}
  FROM batch
  GROUP BY ${["slot", ...texts].join(", ")}
)
ARRAY JOIN ${[`{series:Array(Array(UInt32))}[${at}] AS series`, ...spread.joined].join(", ")}
WHERE ${n} != 0 OR events != ${n} OR ${late} != 0`;
}

const pane = (at: number): string => `{panes:Array(UInt32)}[${at}]`;

function inputColumn(member: PlanMember): string {
  return `${metricInputs[member.metric] === "number" ? "number" : "text"}${member.field}`;
}

function entered(member: PlanMember): string {
  return metricInputs[member.metric] === "event" ? "count()" : `count(${inputColumn(member)})`;
}

function lateCount(shape: PlanShape, member: PlanMember, at: number): string {
  const end = `{ends:Array(Array(UInt32))}[${at}][${distinctEnds(shape).indexOf(member.endSeconds) + 1}]`;
  return `countIf(received >= (slot * ${pane(at)} + ${end}) * 1000)`;
}

function stateOf(member: PlanMember, state: StateName, aggregates: Aggregates): string {
  const form = metricForms[member.metric].state;
  if (form?.column !== state) return stateColumns[state].empty;
  return aggregates.name(form.aggregate(inputColumn(member)));
}

/** The distinct aggregates of a shape, by the names that they get. */
class Aggregates {
  readonly #names = new Map<string, string>([["count()", "events"]]);

  name(expression: string): string {
    const name = this.#names.get(expression) ?? `a${this.#names.size}`;
    this.#names.set(expression, name);
    return name;
  }

  list(): string[] {
    return [...this.#names].slice(1).map(([expression, name]) => `${expression} AS ${name}`);
  }
}

/** What ARRAY JOIN has to spread: the columns in which the rules of a shape differ. */
class Spread {
  readonly joined: string[] = [];

  /** The expression of a column, given its value for each rule. */
  column(name: string, values: readonly string[]): string {
    const first = values[0];
    if (first !== undefined && values.every((value) => value === first)) return first;
    this.joined.push(`[${values.join(", ")}] AS ${name}`);
    return name;
  }
}
