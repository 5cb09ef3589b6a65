/** A row of a file. */
export interface Row {
  readonly file: string;
  /** In the file, from 1; null where a file has no lines. */
  readonly line: number | null;
  /** In the file, from 1. */
  readonly number: number;
  /** By column; undefined where it can't be read, which `problem` then tells. */
  readonly values: Readonly<Record<string, unknown>> | undefined;
  readonly problem?: string;
  /** The file has bytes there that are not UTF-8, which stand as U+FFFD in `values`. */
  readonly isBroken?: boolean;
}

/** What is wrong with a row. */
export interface RowProblem {
  /** Null: of the row as a whole. */
  readonly column: string | null;
  /** The part of the event. */
  readonly field: string;
  readonly message: string;
  readonly value?: unknown;
}

/** `orders.csv:17: column "ts": must be …, not "yesterday"` */
export function problemText({ file, line, number }: Row, { column, field, message, value }: RowProblem): string {
  const place = line === null ? `${file}, row ${number}` : `${file}:${line}`;
  const named = `column ${JSON.stringify(column)}${field === "" ? "" : ` (${field})`}`;
  const part = column === null || column === field ? field : named;
  const shown = value === undefined ? "" : `, not ${shortened(JSON.stringify(value))}`;
  return `${place}: ${part === "" ? "" : `${part}: `}${message}${shown}`;
}

const shortened = (text: string): string => (text.length > 120 ? `${text.slice(0, 119)}…` : text);
