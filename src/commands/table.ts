import { cut, widthOf } from "./cells.ts";

/** What is in a cell: numbers stand at its right end. */
export type Cell = string | number;

/**
 * Rows in columns as wide as their widest cell, no line longer than `columns`. Control characters of values, by which somebody
 * else's events could speak to the terminal, are shown.
 */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], columns = Infinity): string[] {
  const texts = [head, ...rows].map((row) => row.map((cell) => harmless(String(cell))));
  const widths = head.map((_, index) => Math.max(...texts.map((row) => widthOf(row[index] ?? ""))));
  const isNumber = head.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === "number"));
  return texts.map((row) => {
    const cells = row.map((text, index) => padded(text, widths[index] ?? 0, isNumber[index] === true));
    return cut(cells.join("  ").trimEnd(), columns);
  });
}

/** Characters that move the cursor, colour what follows, or turn its direction. */
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

export const harmless = (text: string): string =>
  text.replaceAll(control, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

function padded(text: string, width: number, isNumber: boolean): string {
  const room = " ".repeat(Math.max(0, width - widthOf(text)));
  return isNumber ? room + text : text + room;
}
