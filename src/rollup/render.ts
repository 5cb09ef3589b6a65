import type { OffsetRange } from "../event/position.ts";
import { metricInputs } from "../rule/metric.ts";
import type { FieldRef } from "../rule/rule.ts";
import { rollupColumns, stateColumns, stateNames } from "./metrics.ts";
import type { PlanMember, RollupPlan } from "./plan.ts";
import { distinctEnds, groupType, shapeSelect } from "./shape.ts";
import type { Statement } from "./statement.ts";

/** Rows below this number are not windows of a rule. */
export const seriesOfMarks = 0;
export const seriesOfCounts = 1;

export interface RollupExtras {
  /** The text that names the finished range: `series:src:from-to`. */
  readonly mark: { readonly key: string };
  readonly counts: { readonly src: number; readonly events: number; readonly duplicates: number } | null;
}

/**
 * The one statement that rolls up the raw rows of a range for all rules of a plan: each shape is one GROUP BY over the same
 * events, whose fields are read once; the mark and the counters are rows of the same insert. The text depends on the plan
 * alone; the range, the paths, the sizes and the series are bound.
 *
 * Run it so that one INSERT makes one part: `max_insert_threads = 1`, `min_insert_block_size_rows` and `_bytes` above
 * anything, `async_insert = 0`, `insert_deduplicate = 0`.
 */
export function renderRollup(plan: RollupPlan, range: OffsetRange, extras: RollupExtras): Statement {
  const parts = [...plan.shapes.map((shape, index) => shapeSelect(shape, index + 1)), markSelect, ...(extras.counts === null ? [] : [countsSelect])];
  const sql = [
    `INSERT INTO rollups (${rollupColumns().map((column) => column.name).join(", ")})`,
    ...(plan.shapes.length === 0 ? [] : [eventsClause(plan)]),
    parts.join("\nUNION ALL\n"),
    // Off by default in the engine; without it every shape would read and parse the events again.
    ...(plan.shapes.length === 0 ? [] : ["SETTINGS enable_materialized_cte = 1"]),
  ].join("\n");
  return { sql, parameters: { ...planParameters(plan, range), mark: extras.mark.key, ...extras.counts } };
}

/** Lists instead of one parameter each: a statement for a thousand rules still has a handful. */
function planParameters(plan: RollupPlan, range: OffsetRange): Record<string, unknown> {
  if (plan.shapes.length === 0) return {};
  const paths = payloadPaths(plan.fields);
  return {
    src: range.src,
    from: range.from,
    to: range.to,
    ...(paths.length === 0 ? {} : { paths }),
    panes: plan.shapes.map((shape) => shape.paneSeconds),
    ends: plan.shapes.map((shape) => distinctEnds(shape)),
    series: plan.shapes.map((shape) => shape.members.map((member) => member.series)),
  };
}

const payloadPaths = (fields: readonly FieldRef[]): (readonly string[])[] =>
  fields.flatMap((field) => (field.kind === "payload" ? [field.path] : []));

function eventsClause(plan: RollupPlan): string {
  const columns = ["toUnixTimestamp64Milli(timestamp) AS at", "toUnixTimestamp64Milli(received_at) AS received"];
  let path = 0;
  plan.fields.forEach((field, index) => {
    if (field.kind === "payload") columns.push(...payloadColumns(plan, index, field.path, ++path));
    else columns.push(`${field.kind} AS text${index}`);
  });
  return `WITH batch AS MATERIALIZED (
  SELECT ${columns.join(",\n    ")}
  FROM raw_events
  WHERE src = {src:UInt16} AND off BETWEEN {from:UInt64} AND {to:UInt64}
)`;
}

/** A payload value as the raw JSON text of the engine, and what the plan needs of it: its text, its number, or both. */
function payloadColumns(plan: RollupPlan, index: number, path: readonly string[], at: number): string[] {
  const keys = path.map((_, key) => `{paths:Array(Array(String))}[${at}][${key + 1}]`);
  const raw = `raw${index}`;
  return [
    `JSONExtractRaw(payload, ${keys.join(", ")}) AS ${raw}`,
    ...(usesText(plan, index) ? [`${textOf(raw)} AS text${index}`] : []),
    ...(usesNumber(plan, index) ? [`${numberOf(raw)} AS number${index}`] : []),
  ];
}

/** The first character tells the type: a quote a string; `{`, `[`, `n` and nothing are no scalar; the rest is its own text. */
function textOf(raw: string): string {
  const first = `substring(${raw}, 1, 1)`;
  const bare = `substring(${raw}, 2, length(${raw}) - 2)`;
  return `multiIf(${first} IN ('', '{', '[', 'n'), NULL, ${first} != '"', ${raw}, position(${raw}, '\\\\') = 0, ${bare}, JSONExtractString(${raw}))`;
}

/** A number's text begins with a digit or a minus; of all JSON texts only these lie between `-` and `:`. */
function numberOf(raw: string): string {
  return `if(${raw} >= '-' AND ${raw} < ':', toFloat64OrNull(${raw}), NULL)`;
}

function usesText(plan: RollupPlan, field: number): boolean {
  return plan.shapes.some(
    (shape) => shape.groupBy.includes(field) || shape.members.some((member) => member.field === field && inputOf(member) === "scalar"),
  );
}

function usesNumber(plan: RollupPlan, field: number): boolean {
  return plan.shapes.some((shape) => shape.members.some((member) => member.field === field && inputOf(member) === "number"));
}

const inputOf = (member: PlanMember): "event" | "scalar" | "number" => metricInputs[member.metric];

const markSelect = rowSelect(seriesOfMarks, "{mark:String}", "toUInt64(0)", "toUInt64(0)");
const countsSelect = rowSelect(seriesOfCounts, "toString({src:UInt16})", "{events:UInt64}", "{duplicates:UInt64}");

/** A row that is no window: its text stands where a group's would. */
function rowSelect(series: number, text: string, n: string, skipped: string): string {
  const empty = stateNames.map((name) => stateColumns[name].empty);
  const values = [`toUInt32(${series})`, "toDateTime(0, 'UTC')", `CAST([${text}], '${groupType}')`, n, skipped, "toUInt64(0)", ...empty];
  return `SELECT ${values.join(", ")}`;
}
