import type { OffsetRange } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import type { Store } from "../store/store.ts";
import type { BatchWriter } from "./batch-writer.ts";
import { type PlanOf, faultyRules } from "./faulty-rules.ts";
import type { ProcessorMetrics, RuleSource, Target } from "./ports.ts";

export interface RuleStopperDeps {
  readonly store: Pick<Store, "tryRollUp">;
  readonly rules: Pick<RuleSource, "stop">;
  readonly writer: Pick<BatchWriter, "ask">;
  readonly clock: Clock;
  readonly metrics: Pick<ProcessorMetrics, "ruleStopped">;
}

/** How long a rollup rests that the store refuses although no rule is at fault. */
const restMs = 1000;

/** Pauses rules that the store refuses to compute, so that all others go on (docs/decisions/0016). */
export class RuleStopper {
  readonly #deps: RuleStopperDeps;
  readonly #stopped = new Set<number>();

  constructor(deps: RuleStopperDeps) {
    this.#deps = deps;
  }

  /** What of these is still to be computed: the set that a batch was formed for may be older than a stop. */
  going(targets: readonly Target[]): readonly Target[] {
    return this.#stopped.size === 0 ? targets : targets.filter(({ series }) => !this.#stopped.has(series));
  }

  /** Finds which of these the store refuses over the range, planned like that, and stops them, for good before it is resolved. */
  async stopFaulty(targets: readonly Target[], range: OffsetRange, planOf: PlanOf): Promise<void> {
    const { store, rules, writer, clock, metrics } = this.#deps;
    const faulty = await writer.ask(() => faultyRules(store, targets, range, planOf));
    for (const { target, reason } of faulty) {
      await writer.ask(() => rules.stop(target.rule_id, target.series, reason));
      this.#stopped.add(target.series);
      metrics.ruleStopped(target.rule_id, reason);
    }
    if (faulty.length === 0) await clock.sleep(restMs);
  }
}
