import type { CheckedRule } from "../rule/rule.ts";
import { columnName } from "./column-name.ts";
import { renderWindows, type WindowSelection } from "./read.ts";
import { Bindings } from "./bindings.ts";
import { endOf } from "./pane.ts";
import type { Statement } from "./statement.ts";

/** What windows can be written as for other programs, besides JSON. */
export const tableFormats = ["ndjson", "csv", "parquet", "arrow"] as const;
export type TableFormat = (typeof tableFormats)[number];

/** A row's place in the order of windows. */
type Place = NonNullable<WindowSelection["behind"]>;

/** The windows of a page as a table: everything behind `behind`, up to and with the place `through`. */
export interface TableSelection extends WindowSelection {
  /** Missing: to the end. */
  readonly through?: Place;
  /** Milliseconds since the epoch: windows that end by then are final. */
  readonly finalThrough: number;
}

/**
 * Where a page of `limit` rows ends: its last row as `window_start` and `grp`, and the row behind it. One row or none:
 * there is nothing behind the page.
 */
export function renderPageEnd(query: WindowSelection): Statement {
  const { sql, parameters } = renderWindows({ ...query, limit: query.limit + 1 });
  const place = `SELECT w.window_start AS window_start, w.grp AS grp FROM (\n${sql}\n) AS w`;
  return { sql: `${place}\nLIMIT 2 OFFSET {skipped:UInt64}`, parameters: { ...parameters, skipped: query.limit - 1 } };
}

/**
 * The rows of `renderWindows` under the names of an answer: `window_start`, each group key, `value`, `window_end`, `final`.
 * Times are RFC 3339 in the formats of text, else UTC timestamps of milliseconds. `limit` only bounds the work: what it
 * would cut off is for the caller to refuse.
 */
export function renderTable(query: TableSelection, format: TableFormat): Statement {
  const { sql, parameters } = renderWindows(narrowed(query));
  const bindings = new Bindings();
  const own: Record<string, unknown> = {
    final_through: Math.floor(query.finalThrough) - query.rule.latenessSeconds * 1000,
  };
  const where = query.through === undefined ? "" : `\nWHERE ${upTo(query.through, query.order, own)}`;
  const columns = columnsOf(query.rule, format, bindings).map(
    ([name, expression]) => `${expression} AS ${columnName(name)}`,
  );
  return {
    sql: `SELECT ${columns.join(",\n  ")}\nFROM (\n${sql}\n) AS w${where}`,
    parameters: { ...parameters, ...own, ...bindings.values },
  };
}

const startMs = "toInt64(w.window_start)";

function columnsOf(
  rule: CheckedRule,
  format: TableFormat,
  bindings: Bindings,
): (readonly [name: string, expression: string])[] {
  const endMs = `${endOf(rule.window.size, `intDiv(${startMs}, 1000)`, bindings)} * 1000`;
  const time = format === "ndjson" || format === "csv" ? timeText : timestamp;
  return [
    ["window_start", time(startMs)],
    ...rule.spec.group_by.map((name, index) => [name, `w.grp[${index + 1}]`] as const),
    ["value", valueOf(rule, format)],
    ["window_end", time(endMs)],
    ["final", `toBool(${endMs} <= {final_through:Int64})`],
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

/** What is not finite is null, and zero has no sign. */
const number = "if(isFinite(w.value), w.value + 0, NULL)";
/** From a scalar's JSON text: a string, a number or a boolean. */
const scalar = "JSONExtract(w.value, 'Dynamic')";
const scalarText = `if(startsWith(w.value, '"'), JSONExtractString(w.value), w.value)`;
const frequent = "CAST(arrayMap(one -> (one.1, one.2), w.value), 'Array(Tuple(value String, count UInt64))')";

/** Without the windows that lie wholly behind `through`. */
function narrowed(query: TableSelection): WindowSelection {
  const { through } = query;
  if (through === undefined) return query;
  return query.order === "newest"
    ? { ...query, from: Math.max(query.from, through.windowStart) }
    : { ...query, to: Math.min(query.to, through.windowStart + 1) };
}

/** Null sorts last: first whether a key is null, then its text. */
function upTo(through: Place, order: WindowSelection["order"], parameters: Record<string, unknown>): string {
  parameters["through"] = through.windowStart;
  const earlier = `${startMs} ${order === "newest" ? ">" : "<"} {through:Int64}`;
  if (through.group.length === 0) return `${earlier} OR ${startMs} = {through:Int64}`;
  const row = through.group.map((_, index) => `isNull(w.grp[${index + 1}]), ifNull(w.grp[${index + 1}], '')`);
  const last = through.group.map((value, index) => {
    parameters[`through_null${index}`] = value === null ? 1 : 0;
    parameters[`through${index}`] = value ?? "";
    return `{through_null${index}:UInt8}, {through${index}:String}`;
  });
  return `${earlier} OR (${startMs} = {through:Int64} AND tuple(${row.join(", ")}) <= tuple(${last.join(", ")}))`;
}
