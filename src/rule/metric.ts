import { suggest } from "../lib/suggest.ts";
import { type Reading, read, wrong } from "./reading.ts";
import type { FieldRef, MetricName } from "./rule.ts";

/**
 * What enters a metric: every event; every event whose field is a scalar, by its text; every event whose field is a
 * JSON number.
 */
export type MetricInput = "event" | "scalar" | "number";

/** The metrics, in the order in which they are named to people. */
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

/** The metrics that can be exact over decimals. */
export const decimalMetrics: readonly MetricName[] = ["sum", "avg", "min", "max"];

/** What the text of `metric` means. */
export interface NamedMetric {
  /** The text in its canonical form: `p99` for `p99.0`. */
  readonly name: string;
  readonly metric: MetricName;
  /** Of a quantile: above 0 and below 1. */
  readonly level?: number;
  /** What an alias reads; it takes no other field. */
  readonly field?: FieldRef;
}

const aliases: readonly NamedMetric[] = [
  { name: "event_count", metric: "count" },
  { name: "active_users", metric: "uniq_exact", field: { kind: "user_id" } },
];

const named = Object.keys(metricInputs)
  .filter(isMetricName)
  .filter((metric) => metric !== "quantile")
  .map((metric): NamedMetric => ({ name: metric, metric }))
  .concat(aliases);

const quantileText = /^p(\d+)(?:\.(\d+))?$/;
const quantileExamples = ["p50", "p90", "p95", "p99", "p99.9"];
const allNames = `${named.map(({ name }) => name).join(", ")}, or pNN for a quantile, such as p95 or p99.9`;

/** The metric behind a name, an alias or a `pNN`. */
export function readMetric(text: string): Reading<NamedMetric> {
  const known = named.find(({ name }) => name === text);
  if (known !== undefined) return read(known);
  const quantile = quantileText.exec(text);
  if (quantile !== null) return readQuantile(quantile[1]!, (quantile[2] ?? "").replace(/0+$/, ""));
  if (text === "quantile") return wrong("is written pNN, such as p95 or p99.9");
  const near = suggest(text, [...named.map(({ name }) => name), ...quantileExamples]);
  return wrong(`is not a metric; take one of ${allNames}${near === undefined ? "" : `; did you mean ${near}?`}`);
}

/** In thousandths, so that 99.9 becomes 0.999 and not the double beside it. */
function readQuantile(whole: string, fraction: string): Reading<NamedMetric> {
  if (fraction.length > 1) return wrong("has more than one digit behind the point; take such as p99.9");
  const thousandths = Number(whole) * 10 + Number(fraction);
  if (thousandths === 0) return wrong("would be the smallest value; take min");
  if (thousandths === 1000) return wrong("would be the largest value; take max");
  if (thousandths > 1000) return wrong("is beyond p100; the number is above 0 and below 100, such as p95 or p99.9");
  return read({ name: `p${thousandths / 10}`, metric: "quantile", level: thousandths / 1000 });
}

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metricInputs, name);
}
