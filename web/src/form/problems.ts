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
  for (const problem of listed) {
    const { path, message } = problem;
    const name = path.split(/[.[]/, 1)[0] ?? "";
    if (isField(name)) fields.set(name, [...(fields.get(name) ?? []), problemOf(problem)]);
    else others.push(`${path} ${message}`);
  }
  return { fields, others };
}

function problemOf({ path, message, value }: Told): FieldProblem {
  // One of a list is named: the field shows all of them.
  if (path.endsWith("]") && typeof value === "string") return { message: `${value} ${message}` };
  const [, column, words] = /^at column (\d+): (.*)$/s.exec(message) ?? [];
  return column === undefined || words === undefined ? { message } : { message: words, column: Number(column) };
}

/** A mistake as the server tells it. */
interface Told {
  readonly path: string;
  readonly message: string;
  readonly value?: unknown;
}

function isProblem(one: unknown): one is Told {
  return (
    typeof one === "object" &&
    one !== null &&
    "path" in one &&
    typeof one.path === "string" &&
    "message" in one &&
    typeof one.message === "string"
  );
}

/** So much of a line is seen before and behind a place in it, in characters: with more a phone would show one end alone. */
const seenBefore = 24;
const seenBehind = 16;

/**
 * What stands around a column (counted in characters over the whole text, from 1) in its line, to point there: before it, and
 * from it on.
 */
export function placeIn(text: string, column: number): { readonly before: string; readonly behind: string } {
  const characters = Array.from(text);
  const at = Math.min(Math.max(column - 1, 0), characters.length);
  const start = at === 0 ? 0 : characters.lastIndexOf("\n", at - 1) + 1;
  const next = characters.indexOf("\n", at);
  const end = next < 0 ? characters.length : next;
  const [from, to] = [at - start > seenBefore ? at - seenBefore : start, end - at > seenBehind ? at + seenBehind : end];
  return {
    before: (from > start ? "…" : "") + characters.slice(from, at).join(""),
    behind: characters.slice(at, to).join("") + (to < end ? "…" : ""),
  };
}
