import { metricInputs } from "../rule/metric.ts";
import { fieldKey, type PlanMember, type PlanShape, type RollupPlan } from "./plan.ts";

/**
 * What the pieces of a rollup weigh against each other, about as they take time: docs/rules.md says what it means. Taking a
 * value out of the payload is the dearest that is done to each event; then what is done for each grouping.
 */
const weights = { payloadField: 8, column: 1, filter: 2, grouping: 6, aggregate: 1, largeAggregate: 6, rows: 0.2 };

const large: ReadonlySet<string> = new Set(["uniq", "uniq_exact", "quantile", "top_k"]);

/**
 * What each series of a plan has of its cost: shares that add up to 1. What is done once for several rules (reading a field,
 * a filter, a grouping, an aggregate) is divided evenly among those that need it.
 */
export function costShares(plan: RollupPlan): ReadonlyMap<number, number> {
  const pieces = new Map<string, { readonly weight: number; readonly users: Set<number> }>();
  const use = (key: string, weight: number, series: number): void => {
    const piece = pieces.get(key) ?? { weight, users: new Set() };
    pieces.set(key, piece);
    piece.users.add(series);
  };
  for (const [at, shape] of plan.shapes.entries())
    for (const member of shape.members)
      for (const [key, weight] of piecesOf(plan, shape, member))
        use(key.replace("#", String(at)), weight, member.series);
  return divided([...pieces.values()]);
}

function divided(
  pieces: readonly { readonly weight: number; readonly users: ReadonlySet<number> }[],
): ReadonlyMap<number, number> {
  const total = pieces.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map<number, number>();
  for (const { weight, users } of pieces)
    for (const series of users) shares.set(series, (shares.get(series) ?? 0) + weight / users.size / total);
  return shares;
}

/** What a member needs, by names that are equal for what is done once; `#` stands for the shape. */
function piecesOf(plan: RollupPlan, shape: PlanShape, member: PlanMember): (readonly [string, number])[] {
  const fields = [...shape.groupBy, ...(member.field === null ? [] : [member.field]), ...filterFields(plan, member)];
  return [
    ...fields.map((field) => [`field ${field}`, fieldWeight(plan, field)] as const),
    ...(member.filter === null ? [] : [[`filter ${member.filter}`, weights.filter] as const]),
    ["grouping #", weights.grouping],
    [aggregateName(member), large.has(member.metric) ? weights.largeAggregate : weights.aggregate],
    [`rows ${member.series}`, weights.rows],
  ];
}

const aggregateName = ({ metric, field, decimals, filter }: PlanMember): string =>
  `aggregate # ${metricInputs[metric] === "event" ? "count" : metric} ${field} ${decimals} ${filter}`;

function fieldWeight({ fields }: RollupPlan, field: number): number {
  return fields[field]?.kind === "payload" ? weights.payloadField : weights.column;
}

function filterFields({ fields, filters }: RollupPlan, { filter }: PlanMember): number[] {
  if (filter === null) return [];
  const read = new Set(filters[filter]?.fields.map(fieldKey));
  return [...fields.keys()].filter((index) => read.has(fieldKey(fields[index]!)));
}
