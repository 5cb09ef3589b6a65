import type { LiveState } from "../../../client/src/weir.ts";
import type { RuleAnswer, RuleVersionsAnswer } from "../../../client/src/wire.ts";
import type { Drawn } from "./series.ts";

type Versions = RuleVersionsAnswer["versions"];

/**
 * The rule as the version says it whose windows have come: while a changed rule is filled these are of the one before. Undefined
 * until that is known.
 */
export function specOf(
  rule: Drawn & Pick<RuleAnswer, "version">,
  versions: Versions,
  version: number | undefined,
): Drawn | undefined {
  return version === rule.version ? rule : versions.find((one) => one.version === version);
}

/** What a page has to show of a rule's windows. `refused`: none come, and it is known why. */
export type Showing = "loading" | "refused" | "none" | "windows";

export function showingOf(
  { status, rows, error }: Pick<LiveState, "status" | "rows" | "error">,
  drawn: Drawn | undefined,
): Showing {
  if (status === "connecting") return "loading";
  if (rows.length > 0) return drawn === undefined ? "loading" : "windows";
  return error === undefined ? "none" : "refused";
}
