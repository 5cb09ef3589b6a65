import type { StatsRow, WindowValue } from "../../client/src/weir.ts";
import { table } from "./table.ts";
import type { Cell } from "./table.ts";

const ownKeys = new Set(["window_start", "window_end", "value", "final", "overflow"]);

/** Windows as a table: a column for each group key. The first line is the head. */
export function windowTable(rows: readonly StatsRow[], columns = Infinity): string[] {
  const groups = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((key) => !ownKeys.has(key));
  const cells = rows.map((row): Cell[] => [
    row.window_start,
    ...groups.map((key) => groupText(row[key], row.overflow === true)),
    valueCell(row.value),
    row.final ? "" : "open",
  ]);
  return table(["window", ...groups, "value", ""], cells, columns);
}

const groupText = (value: StatsRow[string], isOverflow: boolean): string => {
  if (isOverflow) return "(overflow)";
  return value === null || value === undefined ? "(none)" : plain(value);
};

const plain = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function valueCell(value: WindowValue): Cell {
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value.map(({ value: text, count }) => `${text} (${count})`).join(", ");
  return value === null ? "(none)" : plain(value);
}
