import { after } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { Clock } from "../lib/clock.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { RollupPlan, Spread } from "../rollup/plan.ts";
import { planRollup } from "../rollup/plan.ts";
import type { RollupTask } from "../store/store.ts";
import type { BatchWriter } from "./batch-writer.ts";
import { type Batch, type BatchPart, partFrom } from "./batch.ts";
import type { CostMeter } from "./cost-meter.ts";
import { hasEnded, isRefused } from "./faulty-rules.ts";
import type { Admission, GroupRooms } from "./group-rooms.ts";
import { LikelyGroups } from "./likely-groups.ts";
import type { LivePlans } from "./live-plans.ts";
import type { Portion } from "./portion.ts";
import type { ProcessorMetrics, RuleSource, Target } from "./ports.ts";
import type { RuleStopper } from "./rule-stopper.ts";

export interface LiveRollupDeps {
  readonly rules: Pick<RuleSource, "current" | "targets">;
  readonly writer: Pick<BatchWriter, "rollUp" | "ask">;
  readonly groups: Pick<GroupRooms, "admit">;
  readonly plans: Pick<LivePlans, "of">;
  readonly portion: Portion;
  readonly cost: Pick<CostMeter, "add">;
  readonly stopper: Pick<RuleStopper, "going" | "stopFaulty">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly metrics: Pick<ProcessorMetrics, "narrowed">;
}

/** A statement that was refused so often is not tried again as it is. */
const refusalsMax = 2;

/** After so many failures of whatever kind it is asked which rules still are. */
const failuresMax = 2;

/** What has befallen a batch until now. */
interface Trouble {
  failures: number;
  /** The series whose groups the last statement has looked up. */
  bounded: ReadonlySet<number>;
  /** It has more new groups than there was room for, and waits for what others hold. */
  waits: boolean;
}

/** Rolls up the batches of one partition. */
export class LiveRollup {
  readonly #deps: LiveRollupDeps;
  readonly #likely = new LikelyGroups();

  constructor(deps: LiveRollupDeps) {
    this.#deps = deps;
  }

  /**
   * Until it is done: in parts, where the store has not the memory for all of it, each with its own mark; again, when it has
   * more groups than are likely; without rules that the store refuses, and without those that have gone meanwhile. No rule is
   * added to those that the batch was formed with.
   */
  async write(batch: Batch, targets: readonly Target[]): Promise<void> {
    const trouble: Trouble = { failures: 0, bounded: new Set(), waits: false };
    let [from, left] = [batch.range.from, targets];
    while (from <= batch.range.to) {
      const part = partFrom(batch, from, this.#deps.portion.eventsMax);
      const still = await this.#tryPart(part, left, trouble);
      if (still !== null) {
        left = still;
        continue;
      }
      from = after(part.range.to);
      if (from <= batch.range.to) passFailpoint("between-parts");
    }
  }

  /** Answers for which rules a part is still to be done; null: it is. */
  async #tryPart(part: BatchPart, left: readonly Target[], trouble: Trouble): Promise<readonly Target[] | null> {
    const { stopper } = this.#deps;
    const going = stopper.going(left);
    try {
      return await this.#try(part, going, trouble);
    } catch (error) {
      if (!isRefused(error)) throw error;
      await stopper.stopFaulty(going, part.range, (some) => planRollup(some, spreadOf(part), trouble.bounded));
      return left;
    }
  }

  async #try(batch: BatchPart, targets: readonly Target[], trouble: Trouble): Promise<readonly Target[] | null> {
    const { writer, groups, cost, clock } = this.#deps;
    const { events, seconds } = batch;
    const groupsMax = this.#likely.boundFor(events);
    const grouped = { groups: groupsMax ?? events, seconds, waits: trouble.waits };
    const admission = await writer.ask(() => groups.admit(targets, grouped));
    trouble.bounded = admission.bounded;
    const started = clock.monotonic();
    try {
      const plan = this.#deps.plans.of(targets, spreadOf(batch), admission.bounded);
      const patience = { refusalsMax, failuresMax, failedBefore: trouble.failures };
      const written = await writer.rollUp(taskOf(batch, plan, admission, groupsMax), patience);
      admission.done(written ? "written" : "refused");
      if (written) {
        this.#deps.portion.written(events);
        cost.add(plan, events, clock.monotonic() - started);
      }
      // What was too many then, all of its groups or the new ones, the next try shows, which has all the room.
      if (!written && admission.roomMayGrow.size > 0) trouble.waits = true;
      else this.#likely.note(written);
      return written ? null : targets;
    } catch (error) {
      admission.done(hasEnded(error) ? "unknown" : "refused");
      if (hasEnded(error) || isRefused(error)) throw error;
      trouble.failures = this.#isNarrowed(events, error) ? failuresMax : trouble.failures + failuresMax;
      return this.#stillComputed(targets);
    }
  }

  /** Whether fewer events are tried next, since the store had too little of something for so many. */
  #isNarrowed(events: number, error: unknown): boolean {
    const lacks = error instanceof WeirError ? error.lacks : undefined;
    if (lacks === undefined || !this.#deps.portion.tooMany(events)) return false;
    this.#deps.metrics.narrowed(events, this.#deps.portion.eventsMax, lacks);
    return true;
  }

  /**
   * What may make every try fail is one of the rules, and whoever pauses or deletes it is to free the batch. That nothing
   * of the range is written is settled before this is asked. A series that is not computed any more never is again: a rule
   * that is taken up anew is filled anew, under another one, from raw rows that have the whole batch. So it may lack the range.
   */
  async #stillComputed(targets: readonly Target[]): Promise<readonly Target[]> {
    const { rules } = this.#deps;
    try {
      const computed = new Set((await rules.targets(await rules.current())).map(({ series }) => series));
      return targets.filter(({ series }) => computed.has(series));
    } catch (error) {
      // The rules are away: then the batch goes on with those it has, and asks again when it has failed again.
      if (error instanceof WeirError && error.canRetry) return targets;
      throw error;
    }
  }
}

function taskOf(
  { range, events, duplicates }: BatchPart,
  plan: RollupPlan,
  { rooms, keptFrom, roomMayGrow }: Admission,
  groupsMax: number | undefined,
): RollupTask {
  return {
    range,
    plan,
    marks: [{ series: 0, range }],
    counts: { events, duplicates },
    rooms,
    keptFrom,
    roomMayGrow,
    ...(groupsMax === undefined ? {} : { groupsMax }),
  };
}

/** Events of so many different seconds are close together: a pane of one second cuts none of their windows into many pieces. */
const closeSecondsMax = 10;

const spreadOf = ({ seconds }: BatchPart): Spread =>
  seconds !== null && seconds.length <= closeSecondsMax ? "close" : "scattered";
