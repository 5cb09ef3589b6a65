import { invalidRule } from "./change.ts";

/** As many as a document has at most, so that all rules can be written down and put back. */
export const rulesMax = 10_000;

/** Throws `invalid_rule` when there would be more rules than there can be, and more than there are. `path` is what makes them. */
export function checkRoom(path: "" | "rules", before: number, after: number): void {
  if (after <= Math.max(before, rulesMax)) return;
  const message = `would make ${after} rules of those that there are, and there can be ${rulesMax}; delete some first`;
  throw invalidRule(path === "" ? "the rule" : "the document", [{ path, message }]);
}
