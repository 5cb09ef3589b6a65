import type { PlanMember, PlanShape, RollupPlan } from "../../src/rollup/plan.ts";
import { startOfSpan } from "../../src/rule/calendar.ts";
import type { FieldRef } from "../../src/rule/rule.ts";
import type { OracleEvent } from "../oracle/model.ts";
import { filters } from "./rules.ts";

/** A raw row as the store has it. */
export interface RawRow extends OracleEvent {
  readonly src: number;
  readonly off: number;
  readonly timestamp: number;
  readonly user_id: string;
  readonly text: string;
}

/** An event that entered a series. */
export interface Entry {
  readonly row: RawRow;
  readonly group: readonly (string | null)[];
  readonly pane: number;
  /** Its group came when the rule had as many as it may. */
  readonly overflows: boolean;
}

/** What of the rows enters a member of the plan: a small reading of plans, enough for the rules of the simulation. */
export function entriesOf(plan: RollupPlan, shape: PlanShape, member: PlanMember, rows: readonly RawRow[]): Entry[] {
  const passing = member.filter === null ? rows : rows.filter(acceptedBy(plan.filters[member.filter]!.text));
  const field = member.field === null ? undefined : plan.fields[member.field];
  return passing
    .filter((row) => field === undefined || enters(member, valueOf(row, field)))
    .map((row) => ({
      row,
      group: shape.groupBy.map((index) => textOf(valueOf(row, plan.fields[index]!))),
      pane: startOfSpan(member.pane, row.timestamp),
      overflows: false,
    }));
}

function acceptedBy(text: string): (row: RawRow) => boolean {
  const filter = filters.find((one) => one.text === text);
  if (filter === undefined) throw new RangeError(`the simulated store knows no filter ${text}`);
  return filter.accepts;
}

function valueOf(row: RawRow, field: FieldRef): unknown {
  if (field.kind !== "payload") return row[field.kind];
  const [key, ...deeper] = field.path;
  if (key === undefined || deeper.length > 0) throw new RangeError("the simulated store reads one key of a payload");
  return row.payload?.[key];
}

const numeric: ReadonlySet<string> = new Set(["sum", "avg", "min", "max"]);

function enters({ metric }: PlanMember, value: unknown): boolean {
  return numeric.has(metric) ? typeof value === "number" : textOf(value) !== null;
}

const textOf = (value: unknown): string | null =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : null;
