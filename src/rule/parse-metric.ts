import { formatField, parseField } from "./field.ts";
import { decimalMetrics, metricInputs, type NamedMetric, readMetric } from "./metric.ts";
import type { CheckedRule, FieldRef, MetricName, RuleSpec } from "./rule.ts";
import type { RulePart, RuleReader } from "./rule-reader.ts";

type MetricPart = RulePart<
  Pick<RuleSpec, "metric" | "field" | "decimals">,
  Pick<CheckedRule, "metric" | "level" | "field" | "decimals">
>;

/** Reads `metric`, `field` and `decimals`. */
export function parseMetric(reader: RuleReader): MetricPart | undefined {
  const field = readField(reader);
  const metric = namedMetric(reader);
  const decimals = readDecimals(reader, metric);
  if (metric === undefined || field === "wrong") return undefined;
  const fault = fieldFault(metric, field);
  if (fault !== undefined) return reader.wrong("field", fault);
  const { name, level, field: fixed } = metric;
  const reads = fixed ?? field;
  const exact = decimals === undefined ? {} : { decimals };
  return {
    spec: { metric: name, ...(field === undefined || fixed ? {} : { field: formatField(field) }), ...exact },
    rule: {
      metric: metric.metric,
      ...(level === undefined ? {} : { level }),
      ...(reads === undefined ? {} : { field: reads }),
      ...exact,
    },
  };
}

/** The metric that is named, whatever else is wrong; undefined when there is none of that name. */
export function metricOf(reader: RuleReader): MetricName | undefined {
  const text = reader.value("metric");
  const metric = typeof text === "string" ? readMetric(text) : undefined;
  return metric?.ok ? metric.value.metric : undefined;
}

function namedMetric(reader: RuleReader): NamedMetric | undefined {
  const text = reader.text("metric");
  if (text === undefined) return undefined;
  const metric = readMetric(text);
  return metric.ok ? metric.value : reader.wrong("metric", metric.message);
}

function readField(reader: RuleReader): FieldRef | undefined | "wrong" {
  if (reader.value("field") === undefined) return undefined;
  const text = reader.text("field");
  if (text === undefined) return "wrong";
  const field = parseField(text, ["user_id"]);
  if (field.ok) return field.value;
  reader.wrong("field", field.message);
  return "wrong";
}

/** Why the metric can't read this field; undefined when it can. */
function fieldFault({ name, metric, field: fixed }: NamedMetric, field: FieldRef | undefined): string | undefined {
  if (fixed !== undefined) {
    const other = field !== undefined && formatField(field) !== formatField(fixed);
    return other ? `${name} reads ${formatField(fixed)}; for another field take ${metric}` : undefined;
  }
  const input = metricInputs[metric];
  if (input === "event")
    return field === undefined ? undefined : `${name} counts events and reads no field; leave it out`;
  if (field === undefined) return `is required: ${name} reads a field, such as payload.price`;
  const readable = input === "scalar" || field.kind === "payload";
  return readable ? undefined : `${name} reads numbers, and ${field.kind} is a text; name a payload path`;
}

function readDecimals(reader: RuleReader, named: NamedMetric | undefined): number | undefined {
  const places = reader.value("decimals");
  if (places === undefined) return undefined;
  if (typeof places !== "number" || !Number.isInteger(places) || places < 0 || places > 9)
    return reader.wrong("decimals", "must be a whole number from 0 to 9: the digits behind the point, 2 for cents");
  if (named === undefined || decimalMetrics.includes(named.metric)) return Math.abs(places); // -0 is 0
  return reader.wrong(
    "decimals",
    `${named.name} is the same with and without; leave it out, or take ${decimalMetrics.join(", ")}`,
  );
}
