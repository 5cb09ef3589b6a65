import type { OffsetRange } from "../event/position.ts";
import { metricInputs } from "../rule/metric.ts";
import { groupType, renderBranch, splitIntoBranches } from "./branch.ts";
import { rollupColumns, stateColumns, stateNames } from "./metrics.ts";
import type { PlanMember, RollupPlan } from "./plan.ts";
import type { Statement } from "./statement.ts";

/** Rows of these series are no windows of a rule. */
export const seriesOfMarks = 0;
export const seriesOfCounts = 1;

export interface RollupExtras {
  /** The text that names the finished range: `series:src:from-to`. */
  readonly mark: { readonly key: string };
  readonly counts: { readonly src: number; readonly events: number; readonly duplicates: number } | null;
}

/**
 * The one statement that rolls up the raw rows of a range for all rules of a plan: each field is read once, shapes are
 * groupings of one pass; the mark and the counters are rows of the same insert. The text depends on the plan's shapes
 * alone; the range, the paths, the sizes and what each rule takes are bound, in a few lists however many rules there are.
 *
 * Run it so that one INSERT makes one part: `max_insert_threads = 1`, `min_insert_block_size_rows` and `_bytes` above
 * anything, `async_insert = 0`, `insert_deduplicate = 0`.
 */
export function renderRollup(plan: RollupPlan, range: OffsetRange, extras: RollupExtras): Statement {
  const rules = plan.shapes.length === 0 ? nothing : renderRules(plan, range);
  const rows = [...rules.selects, markSelect, ...(extras.counts === null ? [] : [countsSelect])];
  const sql = [
    `INSERT INTO rollups (${rollupColumns()
      .map((column) => column.name)
      .join(", ")})`,
    ...rules.clause,
    rows.join("\nUNION ALL\n"),
    ...rules.settings,
  ].join("\n");
  return { sql, parameters: { ...rules.parameters, mark: extras.mark.key, ...extras.counts } };
}

interface RulesPart {
  readonly clause: readonly string[];
  readonly selects: readonly string[];
  readonly settings: readonly string[];
  readonly parameters: Readonly<Record<string, unknown>>;
}

const nothing: RulesPart = { clause: [], selects: [], settings: [], parameters: {} };

function renderRules(plan: RollupPlan, range: OffsetRange): RulesPart {
  const panes = distinct(plan.shapes.map((shape) => shape.paneSeconds));
  const ends = distinct(plan.shapes.flatMap((shape) => shape.members.map(endKey)));
  const events = eventsSelect(plan, panes.length);
  const split = splitIntoBranches(plan.shapes);
  // The events are kept for several branches, or each of them would read and parse them again.
  const shared = split.length > 1;
  const branches = split.map((shapes, index) =>
    renderBranch(shapes, `members${index + 1}`, {
      source: shared ? "batch" : `(\n${events}\n  )`,
      startOf: (shape) => `start${panes.indexOf(shape.paneSeconds)}`,
      lateOf: (member) => isLate(ends.indexOf(endKey(member)) + 1),
    }),
  );
  return {
    clause: shared ? [`WITH batch AS MATERIALIZED (\n${events}\n)`] : [],
    selects: branches.map((branch) => branch.sql),
    settings: [
      `SETTINGS group_by_use_nulls = 0, force_grouping_standard_compatibility = 1${shared ? ", enable_materialized_cte = 1" : ""}`,
    ],
    parameters: {
      src: range.src,
      from: range.from,
      to: range.to,
      ...pathParameter(plan),
      panes,
      ends: ends.map((key) => key.split(":").map(Number)),
      ...Object.fromEntries(branches.map((branch, index) => [`members${index + 1}`, branch.members])),
    },
  };
}

const endKey = (member: PlanMember): string => `${member.paneSeconds}:${member.endSeconds}`;

function isLate(at: number): string {
  const [pane, end] = [1, 2].map((part) => `{ends:Array(Array(UInt32))}[${at}][${part}]`);
  return `received >= (intDiv(at, ${pane} * 1000) * ${pane} + ${end}) * 1000`;
}

function pathParameter(plan: RollupPlan): { paths?: readonly (readonly string[])[] } {
  const paths = plan.fields.flatMap((field) => (field.kind === "payload" ? [field.path] : []));
  return paths.length === 0 ? {} : { paths };
}

/** The events of the range, with every field that any rule reads. */
function eventsSelect(plan: RollupPlan, panes: number): string {
  const columns = ["toUnixTimestamp64Milli(timestamp) AS at", "toUnixTimestamp64Milli(received_at) AS received"];
  for (let index = 0; index < panes; index++) {
    const pane = `{panes:Array(UInt32)}[${index + 1}]`;
    columns.push(`toUInt32(intDiv(at, ${pane} * 1000) * ${pane}) AS start${index}`);
  }
  let path = 0;
  plan.fields.forEach((field, index) => {
    if (field.kind === "payload") columns.push(...payloadColumns(plan, index, field.path, ++path));
    else columns.push(`${field.kind} AS text${index}`);
  });
  return `    SELECT ${columns.join(",\n      ")}
    FROM raw_events
    WHERE src = {src:UInt16} AND off BETWEEN {from:UInt64} AND {to:UInt64}`;
}

/** A payload value as the raw JSON text of the engine, and what the plan needs of it: its text, its number, or both. */
function payloadColumns(plan: RollupPlan, index: number, path: readonly string[], at: number): string[] {
  const keys = path.map((_, key) => `{paths:Array(Array(String))}[${at}][${key + 1}]`);
  const raw = `raw${index}`;
  const inputs = new Set(
    plan.shapes
      .flatMap((shape) => shape.members)
      .filter((member) => member.field === index)
      .map(inputOf),
  );
  const isGroupKey = plan.shapes.some((shape) => shape.groupBy.includes(index));
  return [
    `JSONExtractRaw(payload, ${keys.join(", ")}) AS ${raw}`,
    ...(isGroupKey || inputs.has("scalar") ? [`${textOf(raw)} AS text${index}`] : []),
    ...(inputs.has("number") ? [`${numberOf(raw)} AS number${index}`] : []),
  ];
}

const inputOf = (member: PlanMember): string => metricInputs[member.metric];

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

const markSelect = rowSelect(seriesOfMarks, "{mark:String}", "toUInt64(0)", "toUInt64(0)");
const countsSelect = rowSelect(seriesOfCounts, "toString({src:UInt16})", "{events:UInt64}", "{duplicates:UInt64}");

/** A row that is no window: its text stands where a group's would. */
function rowSelect(series: number, text: string, n: string, skipped: string): string {
  const empty = stateNames.map((name) => stateColumns[name].empty);
  const values = [
    `toUInt32(${series})`,
    "toDateTime(0, 'UTC')",
    `CAST([${text}], '${groupType}')`,
    n,
    skipped,
    "toUInt64(0)",
    ...empty,
  ];
  return `SELECT ${values.join(", ")}`;
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
