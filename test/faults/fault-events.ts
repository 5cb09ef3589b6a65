import { type Random, seeded } from "../support/random.ts";
import type { WireEvent } from "./ledger.ts";
import type { FaultRule } from "./recompute.ts";

/** The rules of the fault lane: each kind of state that can go wrong in its own way. */
export const faultRules: readonly FaultRule[] = [
  { rule_id: "count_by_type", window_size: "1m", metric: "count", group_by: ["event_type"] },
  {
    rule_id: "amount_by_country",
    window_size: "10m",
    metric: "sum",
    field: "payload.amount",
    group_by: ["payload.country"],
  },
  { rule_id: "smallest", window_size: "1h", metric: "min", field: "payload.amount", group_by: ["event_type"] },
  { rule_id: "largest", window_size: "1h", metric: "max", field: "payload.amount", group_by: [] },
  { rule_id: "users", window_size: "1d", metric: "uniq_exact", field: "user_id", group_by: ["payload.country"] },
];

/**
 * Of each state that an event counted twice, or not at all, leaves wrong in a way of its own: for where several processes count,
 * whose time is the engine's with their statements.
 */
export const fewFaultRules = faultRules.filter(({ metric }) => ["count", "sum", "uniq_exact"].includes(metric));

/** With those whose values depend on more than which events there are: a sketch, and the order. */
export const allFaultRules: readonly FaultRule[] = [
  ...faultRules,
  { rule_id: "amounts_p90", window_size: "1h", metric: "p90", field: "payload.amount", group_by: ["event_type"] },
  {
    rule_id: "last_amount",
    window_size: "10m",
    metric: "last",
    field: "payload.amount",
    group_by: ["payload.country"],
  },
];

const hourMs = 3_600_000;

/** New events: most of the last two hours, a few of the last forty days, some without the fields that rules read. */
export class FaultEvents {
  readonly #random: Random;
  readonly #now: number;
  #made = 0;
  readonly #run: string;

  /** @param now the newest event time, ms since the epoch. */
  constructor(seed: number, now: number) {
    this.#random = seeded(seed);
    this.#now = now;
    this.#run = this.#random.hex(8);
  }

  make(): WireEvent {
    const random = this.#random;
    const age = random.chance(0.03) ? random.int(40 * 24 * hourMs) : random.int(2 * hourMs);
    this.#made += 1;
    return {
      event_id: `${this.#run}-${this.#made}`,
      user_id: `user_${random.int(5000)}`,
      event_type: random.pick(["view", "click", "purchase", "refund"]),
      timestamp: new Date(this.#now - age).toISOString(),
      payload: this.#payload(),
    };
  }

  /** Amounts are quarters, so that sums of doubles are exact in every order. */
  #payload(): Record<string, unknown> {
    const random = this.#random;
    const country = random.pick(["DE", "FR", "US", "JP", null]);
    const amount = random.chance(0.9) ? random.int(40_000) / 4 - 500 : random.pick([null, "12", true]);
    return random.chance(0.05) ? { note: "nothing to count" } : { country, amount, item: random.int(100) };
  }
}
