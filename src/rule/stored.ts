import type { CheckedRule, RuleSpec } from "./rule.ts";

/** What a field says of the rows that are stored. `asked`: nothing; it decides what is answered of them, or how long they are kept. */
type Share = ((rule: CheckedRule) => unknown) | "asked";

/** Windows are put together from panes when they are asked for: of size, type, hop and zone only the pane is stored. */
const pane: Share = ({ window }) => window.pane;

/** Each field of a rule. What is stored for a rule follows from these shares alone (docs/decisions/0015-reading-anew.md). */
const shares: Readonly<Record<keyof RuleSpec, Share>> = {
  rule_id: "asked",
  window_size: pane,
  window_type: pane,
  hop: pane,
  timezone: pane,
  // Without a quantile's level, which is asked of the sketch.
  metric: ({ metric }) => metric,
  field: ({ field }) => field,
  decimals: ({ decimals }) => decimals,
  group_by: ({ groupBy }) => groupBy,
  // Decides which groups have rows of their own.
  max_groups: ({ maxGroups }) => maxGroups,
  filter: ({ filter }) => filter?.text,
  having: "asked",
  top_n: "asked",
  // Rows count who came late.
  allowed_lateness: ({ latenessSeconds }) => latenessSeconds,
  late_policy: ({ latePolicy }) => latePolicy,
  retention: "asked",
  active: "asked",
};

/** Whether the same rows are stored for two rules, of every event. What they answer of them may differ. */
export function storesSame(a: CheckedRule, b: CheckedRule): boolean {
  return storedForm(a) === storedForm(b);
}

function storedForm(rule: CheckedRule): string {
  return JSON.stringify(Object.values(shares).map((share) => (share === "asked" ? null : share(rule))));
}
