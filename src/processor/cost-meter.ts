import type { Clock } from "../lib/clock.ts";
import { remembered } from "../lib/remembered.ts";
import { costShares } from "../rollup/cost-weights.ts";
import type { RollupPlan } from "../rollup/plan.ts";
import { plansMax } from "./live-plans.ts";

/** What a rule costs of the time that counting live events takes. */
export interface RuleCost {
  /** 0 … 1, of all rules together. */
  readonly share: number;
  /** For so many events that came in, whether or not they entered the rule. */
  readonly msPer100kEvents: number;
}

/** What rolling up by one plan has taken. */
interface Measured {
  readonly plan: RollupPlan;
  ms: number;
  events: number;
  /** By the monotonic clock. */
  at: number;
}

/** After so long a measurement counts for half. */
const halfLifeMs = 300_000;
/** After so long, for nothing. */
const forgottenMs = 12 * halfLifeMs;

/**
 * Measures how long live rollups take, and divides the time among the rules of their plans (see `costShares`). Plans change with
 * the rules: the older ones say little about the rules of today.
 */
export class CostMeter {
  readonly #clock: Clock;
  /** The newest last. */
  #measured: Measured[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(plan: RollupPlan, events: number, ms: number): void {
    const at = this.#clock.monotonic();
    const known = this.#measured.find((one) => one.plan === plan);
    const measured = known === undefined ? { plan, ms: 0, events: 0, at } : faded(known, at);
    measured.ms += ms;
    measured.events += events;
    this.#measured = [...this.#measured.filter((one) => one !== known), measured].slice(-plansMax);
  }

  /** Null when nothing was counted for the series of late. */
  of(series: number): RuleCost | null {
    const now = this.#clock.monotonic();
    const recent = this.#measured.filter(({ at }) => now - at < forgottenMs);
    const all = recent.map((one) => ({ ...faded(one, now), share: sharesOf(one.plan).get(series) }));
    const own = all.flatMap(({ share, ms, events }) => (share === undefined ? [] : [{ ms: ms * share, events }]));
    const [ms, events] = [sum(own.map((one) => one.ms)), sum(own.map((one) => one.events))];
    if (events === 0) return null;
    const total = sum(all.map((one) => one.ms));
    return { share: total === 0 ? 0 : ms / total, msPer100kEvents: (ms / events) * 100_000 };
  }
}

function faded(measured: Measured, at: number): Measured {
  const rest = 0.5 ** ((at - measured.at) / halfLifeMs);
  return { plan: measured.plan, ms: measured.ms * rest, events: measured.events * rest, at };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Worked out when somebody asks. */
const sharesOf = remembered(costShares);
