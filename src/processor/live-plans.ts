import { type RollupPlan, type Spread, planRollup } from "../rollup/plan.ts";
import type { Target } from "./ports.ts";

/** So many are kept, and told apart by what they cost. */
export const plansMax = 8;

interface Known {
  readonly key: string;
  readonly plan: RollupPlan;
}

/**
 * The plans by which the partitions roll up, made once for all of them: with thousands of rules planning and rendering take a
 * while, and what a plan costs is measured by its identity.
 */
export class LivePlans {
  /** Those that were used last at the end. */
  #known: readonly Known[] = [];

  /** A plan depends on the set of rules alone, and on which of them are close to their bounds: both seldom change. */
  of(targets: readonly Target[], events: Spread, bounded: ReadonlySet<number>): RollupPlan {
    const series = targets.map((target) => (bounded.has(target.series) ? `${target.series}!` : target.series));
    const key = `${events} ${series.join(" ")}`;
    const known = this.#known.find((one) => one.key === key);
    const found = known ?? { key, plan: planRollup(targets, events, bounded) };
    this.#known = [...this.#known.filter((one) => one !== known), found].slice(-plansMax);
    return found.plan;
  }
}
