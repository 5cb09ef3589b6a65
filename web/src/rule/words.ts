import type { Rule } from "../../../client/src/wire.ts";

/** What a rule computes, as one would say it: `sum of payload.price by payload.country, every 10m`. */
export function sentenceOf(rule: Rule): string {
  const { metric, field, group_by = [], window_size, hop, window_type, timezone } = rule;
  const what = field === undefined ? metric : `${metric} of ${field}`;
  const by = group_by.length === 0 ? "" : ` by ${group_by.join(", ")}`;
  const where = timezone === undefined ? "" : `, ${timezone}`;
  return `${what}${by}, ${pace(window_size, hop, window_type)}${where}`;
}

function pace(size: string, hop: string | undefined, type: Rule["window_type"]): string {
  if (hop === undefined) return `every ${size}`;
  return type === "cumulative" ? `growing by ${hop} up to ${size}` : `over ${size}, every ${hop}`;
}
