import type { CheckedRule } from "../rule/rule.ts";
import { Bindings } from "./bindings.ts";
import { columnName } from "./column-name.ts";
import { renderWindows } from "./read.ts";
import { paneConditions, type WindowSelection } from "./selection.ts";
import type { Statement } from "./statement.ts";

/** What windows can be written as for other programs, besides JSON. */
export const tableFormats = ["ndjson", "csv", "parquet", "arrow"] as const;
export type TableFormat = (typeof tableFormats)[number];

/** The windows of a page as a table. */
export interface TableSelection extends WindowSelection {
  /** Milliseconds since the epoch: windows that end by then are final. */
  readonly finalThrough: number;
  /** The table has a column that marks the overflow of groups. */
  readonly withOverflow?: boolean;
}

/**
 * Where a page of `limit` rows ends: its last row as `window_start`, `window_end` and `grp`, and the row behind it. One row or none:
 * there is nothing behind the page.
 */
export function renderPageEnd(query: WindowSelection): Statement {
  const { sql, parameters } = renderWindows({ ...query, limit: query.limit + 1 });
  const place = `SELECT w.window_start AS window_start, w.window_end AS window_end, w.grp AS grp FROM (\n${sql}\n) AS w`;
  return { sql: `${place}\nLIMIT 2 OFFSET {skipped:UInt64}`, parameters: { ...parameters, skipped: query.limit - 1 } };
}

/** One row when there is overflow in the panes of the selection, else none. Not for rules without group keys. */
export function renderOverflowSeen(query: WindowSelection): Statement {
  const bindings = new Bindings("r_");
  const where = [...paneConditions(query, bindings), "empty(grp)", "n != 0"].join("\n  AND ");
  return { sql: `SELECT 1 AS seen FROM rollups\nWHERE ${where}\nLIMIT 1`, parameters: bindings.values };
}

/**
 * The rows of `renderWindows` under the names of an answer: `window_start`, each group key, `value`, `window_end`, `final`,
 * and `overflow` if that is wanted.
 * Times are RFC 3339 in the formats of text, else UTC timestamps of milliseconds. `limit` only bounds the work: what it
 * would cut off is for the caller to refuse.
 */
export function renderTable(query: TableSelection, format: TableFormat): Statement {
  const { sql, parameters } = renderWindows(query);
  const finalThrough = Math.floor(query.finalThrough) - query.rule.latenessSeconds * 1000;
  const columns = columnsOf(query, format).map(([name, expression]) => `${expression} AS ${columnName(name)}`);
  return {
    sql: `SELECT ${columns.join(",\n  ")}\nFROM (\n${sql}\n) AS w`,
    parameters: { ...parameters, final_through: finalThrough },
  };
}

const startMs = "toInt64(w.window_start)";
const endMs = "toInt64(w.window_end)";

function columnsOf(
  { rule, withOverflow }: TableSelection,
  format: TableFormat,
): (readonly [name: string, expression: string])[] {
  const time = format === "ndjson" || format === "csv" ? timeText : timestamp;
  return [
    ["window_start", time(startMs)],
    ...rule.spec.group_by.map((name, index) => [name, `w.grp[${index + 1}]`] as const),
    ["value", valueOf(rule, format)],
    ["window_end", time(endMs)],
    ["final", `toBool(${endMs} <= {final_through:Int64})`],
    ...(withOverflow ? ([["overflow", "toBool(empty(w.grp))"]] as const) : []),
  ];
}

const timestamp = (ms: string): string => `fromUnixTimestamp64Milli(${ms}, 'UTC')`;

/** Windows begin and end at whole seconds. */
const timeText = (ms: string): string => `formatDateTime(${timestamp(ms)}, '%Y-%m-%dT%H:%i:%SZ', 'UTC')`;

/** The value as the JSON answer has it, or what comes nearest to it in a column of one type. */
function valueOf({ metric }: CheckedRule, format: TableFormat): string {
  if (metric === "first" || metric === "last") return format === "ndjson" ? scalar : scalarText;
  if (metric === "top_k") return format === "csv" ? `toJSONString(${frequent})` : frequent;
  return number;
}

/** The value of a window of `first` or `last`, where it has one. */
const text = "assumeNotNull(w.value)";
/** What is not finite is null, and zero has no sign. */
const number = "if(isFinite(w.value), w.value + 0, NULL)";
/**
 * From a scalar's JSON text: a string, a number or a boolean, each cast to its type. The engine's own reading of JSON would take
 * texts that look like times for times, and whole numbers for doubles where another row has a fraction.
 */
const scalar = `multiIf(
    isNull(w.value), CAST(NULL, 'Dynamic'),
    startsWith(${text}, '"'), CAST(JSONExtractString(${text}), 'Dynamic'),
    ${text} IN ('true', 'false'), CAST(CAST(${text} = 'true', 'Bool'), 'Dynamic'),
    isNotNull(toInt64OrNull(${text})), CAST(toInt64OrNull(${text}), 'Dynamic'),
    isNotNull(toUInt64OrNull(${text})), CAST(toUInt64OrNull(${text}), 'Dynamic'),
    CAST(toFloat64OrNull(${text}) + 0, 'Dynamic'))`;
const scalarText = `if(startsWith(w.value, '"'), JSONExtractString(w.value), w.value)`;
const frequent = "CAST(arrayMap(one -> (one.1, one.2), w.value), 'Array(Tuple(value String, count UInt64))')";
