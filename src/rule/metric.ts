import type { FieldRef, MetricName } from "./rule.ts";

/**
 * What enters a metric: every event; every event whose field is a scalar, by its text; every event whose field is a
 * JSON number.
 */
export type MetricInput = "event" | "scalar" | "number";

export const metricInputs: Readonly<Record<MetricName, MetricInput>> = {
  count: "event",
  sum: "number",
  avg: "number",
  min: "number",
  max: "number",
  uniq: "scalar",
  uniq_exact: "scalar",
  quantile: "number",
  rate: "event",
  first: "scalar",
  last: "scalar",
  top_k: "scalar",
};

export interface MetricAlias {
  readonly metric: MetricName;
  /** What the alias reads; it takes no other field. */
  readonly field?: FieldRef;
}

export const metricAliases: Readonly<Record<string, MetricAlias>> = {
  event_count: { metric: "count" },
  active_users: { metric: "uniq_exact", field: { kind: "user_id" } },
};

const laterNames: ReadonlySet<string> = new Set(["uniq", "rate", "first", "last", "top_k"]);

/** The metrics that a rule may ask for by their own name. */
const available: readonly MetricName[] = ["count", "sum", "avg", "min", "max", "uniq_exact"];

/** Metrics of the rule's contract that come in a later version. */
export const isLaterMetric = (name: string): boolean => laterNames.has(name) || /^p\d{1,2}(\.\d)?$/.test(name);

/** Every name that `metric` takes. */
export const metricNames: readonly string[] = [...available, ...Object.keys(metricAliases)];

/** The metric behind a name or an alias; undefined when there is none. */
export function resolveMetric(name: string): MetricAlias | undefined {
  if (Object.hasOwn(metricAliases, name)) return metricAliases[name];
  return isMetricName(name) ? { metric: name } : undefined;
}

function isMetricName(name: string): name is MetricName {
  return available.some((metric) => metric === name);
}
