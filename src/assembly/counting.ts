import type { Offset, OffsetRange } from "../event/position.ts";
import { offset } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { Processor } from "../processor/processor.ts";
import type { Follower } from "../progress/follower.ts";
import type { MemoryProgress } from "../progress/memory-progress.ts";
import type { FillState, RuleCost } from "../query/rule-answer.ts";
import { keepsWindows } from "../rule/registry.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import type { Store } from "../store/store.ts";

/** What those who answer need to know of counting, whichever process counts. */
export interface Counting {
  /** How far the fill of a series is. */
  fill(series: number): FillState;
  /** What counting costs for a series; null when it is not known here. */
  cost(series: number): RuleCost | null;
  /** What is stored and rolled up, of each partition that has anything. */
  ranges(): readonly OffsetRange[];
  /** Up to where a partition is stored and rolled up. */
  written(partition: number): Offset;
  /** The latest revision of the rules by which other processes count, as far as they have said; 0: there are none. See `Follower`. */
  rules(isRead: boolean): number;
  /** Resolves when no fill of this process writes what it has read before. */
  filled(): Promise<void>;
  /** Resolves when the windows that no rule needs any more are gone. @throws WeirError when they can't be dropped, or are not for minutes. */
  dropOrphans(): Promise<void>;
}

/** A processor in this process, beside which others may count other partitions. */
export const countingHere = (
  processor: Processor,
  progress: MemoryProgress,
  follower?: Pick<Follower, "rules" | "fill">,
): Counting => ({
  rules: (isRead) => follower?.rules(isRead) ?? 0,
  fill: (series) => fillOf(processor.fill(series), follower?.fill(series)),
  cost: (series) => processor.cost(series),
  ...positions(progress),
  filled: () => processor.filled(),
  dropOrphans: () => processor.dropOrphans(),
});

/** How far it is every process knows by the marks; what one stands still for, all do. */
function fillOf(own: FillState, others: FillState | undefined): FillState {
  const waitingFor = own.waitingFor ?? others?.waitingFor;
  return waitingFor === undefined ? own : { ...own, endsAt: null, waitingFor };
}

export interface ElsewhereParts {
  readonly progress: MemoryProgress;
  readonly follower: Follower;
  readonly store: Pick<Store, "seriesKept">;
  readonly rulebook: Pick<Rulebook, "current">;
  readonly clock: Clock;
}

/** Only other processes count. What counting costs for a rule they keep to themselves. */
export const countingElsewhere = (parts: ElsewhereParts): Counting => ({
  fill: (series) => parts.follower.fill(series),
  rules: (isRead) => parts.follower.rules(isRead),
  cost: () => null,
  ...positions(parts.progress),
  filled: () => Promise.resolve(),
  dropOrphans: () => orphansDropped(parts),
});

const positions = (progress: MemoryProgress): Pick<Counting, "ranges" | "written"> => ({
  ranges: () => progress.ranges(),
  written: (partition) => offset(progress.standing(partition)?.next ?? 0),
});

const lookAgainMs = 1_000;
/** The processors look each minute, and a deletion over a large table takes some. */
const looksInVainMax = 300;

/**
 * The processors drop them now and then, and have to forget what they know of them then: it is left to them. Rules that are
 * removed meanwhile leave windows of their own behind, which are not waited for: there may always be some.
 */
async function orphansDropped(parts: ElsewhereParts): Promise<void> {
  let left = await orphans(parts);
  for (let inVain = 0; left.length > 0; inVain++) {
    if (inVain > looksInVainMax) throw notDropped(left.length);
    await parts.clock.sleep(lookAgainMs);
    const stored = new Set(await parts.store.seriesKept());
    const rest = left.filter((series) => stored.has(series));
    if (rest.length < left.length) inVain = 0;
    left = rest;
  }
}

/** What keeps them from it, as damaged files may, only they have met. */
const notDropped = (count: number): WeirError =>
  new WeirError(
    "store_unavailable",
    `the windows of ${count} versions that no rule needs any more are still in the store: the processes that count drop them, and their logs say why they have not for minutes`,
    { canRetry: true },
  );

async function orphans({ store, rulebook, clock }: ElsewhereParts): Promise<readonly number[]> {
  // In the order of the processors: a series that appears later belongs to a record that is read now.
  const stored = await store.seriesKept();
  const versions = (await rulebook.current()).flatMap((record) => record.versions);
  const now = clock.now();
  const needed = new Set(versions.filter((version) => keepsWindows(version, now)).map(({ series }) => series));
  return stored.filter((series) => !needed.has(series));
}
