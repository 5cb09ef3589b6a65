/** What was done, one thing after the other. */
export interface Check {
  readonly ok: boolean;
  readonly name: string;
  readonly figures: string;
  /** What differs, for people. */
  readonly differences?: readonly string[];
}

const shownMax = 10;

/** A line for each check, with the first differences below it. */
export function printCheck({ ok, name, figures, differences = [] }: Check): string {
  const shown = differences.slice(0, shownMax).map((line) => `        ${line}`);
  const more = differences.length > shownMax ? [`        and ${differences.length - shownMax} more`] : [];
  return [`${ok ? "ok    " : "FAILED"}  ${name.padEnd(28)} ${figures}`, ...shown, ...more].join("\n");
}

/** The last line. */
export function printVerdict(checks: readonly Check[]): string {
  const failed = checks.filter(({ ok }) => !ok);
  return failed.length === 0
    ? `PASSED: ${checks.length} checks`
    : `FAILED: ${failed.length} of ${checks.length} checks: ${failed.map(({ name }) => name).join(", ")}`;
}
