import type { FieldName } from "./draft.ts";

/** One mistake in a field; of a filter with the column where it is, from 1. */
export interface FieldProblem {
  readonly message: string;
  readonly column?: number;
}

export interface Problems {
  readonly fields: ReadonlyMap<FieldName, readonly FieldProblem[]>;
  /** Of no field of the form. */
  readonly others: readonly string[];
}

export const noProblems: Problems = { fields: new Map(), others: [] };

/** Sorts what the server refused a rule for by field. `error` is what it threw. */
export function problemsOf(
  error: { readonly message: string; readonly details: unknown },
  isField: (name: string) => name is FieldName,
): Problems {
  const listed = Array.isArray(error.details) ? error.details.filter(isProblem) : [];
  if (listed.length === 0) return { fields: new Map(), others: [error.message] };
  const fields = new Map<FieldName, FieldProblem[]>();
  const others: string[] = [];
  for (const { path, message } of listed) {
    const name = path.split(/[.[]/, 1)[0] ?? "";
    if (isField(name)) fields.set(name, [...(fields.get(name) ?? []), problemOf(message)]);
    else others.push(`${path} ${message}`);
  }
  return { fields, others };
}

function problemOf(message: string): FieldProblem {
  const [, column, words] = /^at column (\d+): (.*)$/s.exec(message) ?? [];
  return column === undefined || words === undefined ? { message } : { message: words, column: Number(column) };
}

function isProblem(one: unknown): one is { readonly path: string; readonly message: string } {
  return (
    typeof one === "object" &&
    one !== null &&
    "path" in one &&
    typeof one.path === "string" &&
    "message" in one &&
    typeof one.message === "string"
  );
}

/**
 * The line of a text that has a column (counted in characters over the whole text, from 1), and the characters before the
 * place in it, to point there.
 */
export function placeIn(text: string, column: number): { readonly line: string; readonly before: number } {
  const characters = Array.from(text);
  const at = Math.min(Math.max(column - 1, 0), characters.length);
  const start = characters.lastIndexOf("\n", at - 1) + 1;
  const end = characters.indexOf("\n", at);
  return { line: characters.slice(start, end < 0 ? undefined : end).join(""), before: at - start };
}
