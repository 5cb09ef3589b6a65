import { WeirError } from "../lib/errors.ts";
import type { Problem } from "../lib/errors.ts";
import { parseMoment, timeMax } from "../lib/rfc3339.ts";

/** Query parameters as they came: a name given twice has a list. */
export type RawParameters = Readonly<Record<string, unknown>>;

/** Throws `invalid_query` with all problems, if there are any. */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const named = problems.map((problem) => `${problem.path} ${problem.message}`).join("; ");
  throw new WeirError("invalid_query", named, { details: problems });
}

/** A time parameter as milliseconds since the epoch; what is no time becomes a problem. */
export function timeOf(path: string, text: unknown, problems: Problem[]): number | undefined {
  if (typeof text !== "string") return undefined;
  const at = parseMoment(text);
  if (at !== undefined && at >= 0 && at <= timeMax) return at;
  const message =
    at === undefined
      ? "must be RFC 3339, e.g. 2026-01-17T00:00:00Z, or integer milliseconds"
      : "must lie between 1970 and 9999";
  problems.push({ path, message, value: text });
  return undefined;
}

/** A span that starts before it ends, else a problem. */
export function checkSpan(from: number | undefined, to: number | undefined, problems: Problem[]): void {
  if (from === undefined || to === undefined || from < to) return;
  problems.push({ path: "end_time", message: "must be later than start_time" });
}
