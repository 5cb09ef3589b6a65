import type { RollupPlan } from "../../src/rollup/plan.ts";
import type { OracleFilter } from "../oracle/model.ts";
import type { Random } from "../support/random.ts";

/** A rule as somebody sends it. */
export interface SentRule {
  readonly rule_id: string;
  readonly window_size: string;
  readonly timezone?: string;
  readonly metric: string;
  readonly field?: string;
  readonly group_by: readonly string[];
  readonly filter?: string;
  readonly max_groups?: number;
  readonly retention?: string;
  readonly active: boolean;
}

/** The filters of the simulation, with what they mean: the oracle and the simulated store know these. */
export const filters: readonly OracleFilter[] = [
  { text: 'event_type == "click"', accepts: (event) => event.event_type === "click" },
  { text: "payload.n > 3.0", accepts: ({ payload }) => Number(payload?.["n"] ?? Number.NaN) > 3 },
];

const measures: readonly Pick<SentRule, "metric" | "field">[] = [
  { metric: "count" },
  ...["sum", "avg", "min", "max", "first", "last"].map((metric) => ({ metric, field: "payload.n" })),
  { metric: "uniq_exact", field: "user_id" },
];
const groupings = [[], ["event_type"], ["payload.country"], ["event_type", "user_id"]] as const;
const sizes = ["10s", "1m", "10m", "1h"];
const retentions = ["2h", "5h", "12h"];

/** A rule at random. Those with few groups only count, so that their overflow can be judged by sums. */
export function anyRule(random: Random, ruleId: string): SentRule {
  const group_by = random.pick(groupings);
  const shape = { rule_id: ruleId, window_size: random.pick(sizes), group_by, active: true };
  if (group_by.length > 0 && random.chance(0.25)) return { ...shape, metric: "count", max_groups: 1 + random.int(4) };
  const filter = random.chance(0.35) ? { filter: random.pick(filters).text } : {};
  return { ...shape, ...random.pick(measures), ...filter };
}

/** The same for a long day: some of them count days of the calendar, or keep their windows for some hours. */
export function anyRuleOfDay(random: Random, ruleId: string): SentRule {
  const rule = anyRule(random, ruleId);
  if (random.chance(0.15)) return { ...rule, window_size: "1d", timezone: "Europe/Berlin" };
  // Which groups come in would be a matter of when windows have gone.
  return rule.max_groups === undefined && random.chance(0.3) ? { ...rule, retention: random.pick(retentions) } : rule;
}

const secondsOfPane = 7;

/** One that the engine can't compute. */
export const heavy: SentRule = {
  rule_id: "heavy",
  window_size: `${secondsOfPane}s`,
  metric: "count",
  group_by: ["user_id"],
  active: true,
};

/** Whether a rollup takes more memory than there is: no other rule has such panes. */
export const isHeavy = ({ shapes }: RollupPlan): boolean =>
  shapes.some(({ members }) => members.some(({ pane }) => pane.unit === "second" && pane.count === secondsOfPane));
