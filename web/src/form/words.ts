import type { FieldName } from "./draft.ts";
import type { FieldWords } from "./fields.tsx";

const metrics = [
  "count",
  "sum",
  "avg",
  "min",
  "max",
  "uniq",
  "uniq_exact",
  "p50",
  "p90",
  "p95",
  "p99",
  "rate",
  "first",
  "last",
  "top_k",
];

/** What every rule needs, in the order in which one thinks of it. */
export const mainFields: readonly FieldWords[] = [
  { name: "rule_id", label: "Name", hint: "letters, digits, _ . -", example: "revenue_10m" },
  {
    name: "window_size",
    label: "Window",
    hint: "1s to 30d; or 1w, 1mo",
    choices: ["10s", "1m", "5m", "10m", "1h", "1d", "1w", "1mo"],
  },
  { name: "metric", label: "Metric", hint: "pNN is a quantile", choices: metrics },
  { name: "field", label: "Field", hint: "count and rate read none", example: "payload.price" },
  {
    name: "group_by",
    label: "Grouped by",
    hint: "event_type, user_id, payload paths; commas between them",
    example: "event_type, payload.country",
  },
  {
    name: "filter",
    label: "Filter",
    hint: "a CEL expression: only events for which it is true",
    example: 'event_type == "order" && payload.price > 10.0',
    kind: "expression",
  },
];

export const moreFields: readonly FieldWords[] = [
  {
    name: "window_type",
    label: "Kind of window",
    hint: "hopping ones overlap, cumulative ones grow",
    kind: "choice",
    choices: ["", "tumbling", "hopping", "cumulative"],
  },
  { name: "hop", label: "Hop", hint: "between two beginnings; divides the window", example: "1m" },
  { name: "timezone", label: "Time zone", hint: "in which days, weeks and months are cut", example: "Europe/Berlin" },
  { name: "having", label: "Having", hint: "only groups whose value passes", example: "value > 100" },
  { name: "top_n", label: "Largest groups", hint: "only so many of each window", example: "10" },
  { name: "max_groups", label: "Most groups", hint: "further ones share a row", example: "1000" },
  { name: "decimals", label: "Decimals", hint: "makes sums of money exact", example: "2" },
  {
    name: "allowed_lateness",
    label: "Allowed lateness",
    hint: "how long a window waits after its end",
    example: "10s",
  },
  {
    name: "late_policy",
    label: "Late events",
    hint: "count: they correct their window",
    kind: "choice",
    choices: ["", "count", "drop"],
  },
  { name: "retention", label: "Retention", hint: "how long windows are kept", example: "90d" },
];

const labels: ReadonlyMap<string, string> = new Map(
  [...mainFields, ...moreFields].map(({ name, label }) => [name, label]),
);
export const isField = (name: string): name is FieldName => labels.has(name);
export const labelOf = (name: FieldName): string => labels.get(name) ?? name;
