import type { Src } from "../event/position.ts";
import { BelievedTime } from "../lib/believed-time.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../log/log.ts";
import { type RuleRecord, type RuleVersion, keepsWindows } from "../rule/registry.ts";
import { expiryEveryMs, oldestKept } from "../rule/retention.ts";
import type { Store } from "../store/store.ts";
import type { GroupRooms } from "./group-rooms.ts";
import type { ProgressWriter, RuleSource } from "./ports.ts";

export interface CaretakerDeps {
  readonly store: Pick<Store, "seriesKept" | "dropSeries" | "dropWindows" | "forgetMarks" | "joinFillMarks">;
  readonly log: Pick<Log, "committed">;
  readonly rules: Pick<RuleSource, "current" | "ruleOf">;
  readonly progress: Pick<ProgressWriter, "seriesChanged">;
  readonly groups: Pick<GroupRooms, "forget" | "rowsGone" | "series">;
  readonly clock: Clock;
}

/**
 * Removes what nobody needs any more: windows of deleted rules and of replaced versions that are not kept, windows that
 * ended longer ago than their rule keeps them, marks below the committed position, and those of the pieces of finished fills.
 */
export class Caretaker {
  readonly #deps: CaretakerDeps;
  readonly #time: BelievedTime;
  /** By series, ms of the monotonic clock. */
  readonly #expireAgainAt = new Map<number, number>();
  /** By partition, how fills stood when it was last looked. */
  readonly #fills = new Map<Src, { readonly at: number; readonly finished: Series; readonly joined: Series }>();

  constructor(deps: CaretakerDeps) {
    this.#deps = deps;
    this.#time = new BelievedTime(deps.clock);
  }

  async dropOrphans(): Promise<void> {
    const { store, progress, groups } = this.#deps;
    // The store is asked first: a series that appears later belongs to a record that is read now.
    const stored = await store.seriesKept();
    const needed = await this.#needed();
    for (const series of stored.filter((kept) => !needed.has(kept))) {
      await store.dropSeries(series);
      groups.forget(series);
      this.#expireAgainAt.delete(series);
      progress.seriesChanged(series);
    }
  }

  /** Each process has rooms of its own, and only one drops what is not needed. */
  async forgetRooms(): Promise<void> {
    const { groups } = this.#deps;
    const known = groups.series();
    const needed = await this.#needed();
    for (const series of known) if (!needed.has(series)) groups.forget(series);
  }

  /**
   * Deletes windows that ended longer ago than their rule keeps them. Nobody is shown them as it is, so it is done now and
   * then: each deletion goes over all parts of the table.
   */
  async dropExpired(): Promise<void> {
    const { store, rules, groups, clock } = this.#deps;
    const due = expiredOf(await rules.current(), rules, this.#time.now()).filter(({ series }) => this.#isDue(series));
    for (let at = 0; at < due.length; at += seriesAtOnce) {
      const some = due.slice(at, at + seriesAtOnce);
      try {
        groups.rowsGone(await store.dropWindows(some));
      } catch (error) {
        // Of which rows have gone, and groups with them, is not known.
        groups.rowsGone(some.map(({ series }) => series));
        throw error;
      }
      for (const { series, everyMs } of some) this.#expireAgainAt.set(series, clock.monotonic() + everyMs);
    }
  }

  async #needed(): Promise<ReadonlySet<number>> {
    const records = await this.#deps.rules.current();
    const now = this.#time.now();
    const kept = records.flatMap(({ versions }) => versions.filter((version) => keepsWindows(version, now)));
    return new Set(kept.map(({ series }) => series));
  }

  #isDue(series: number): boolean {
    return this.#deps.clock.monotonic() >= (this.#expireAgainAt.get(series) ?? 0);
  }

  async forgetMarks(src: Src): Promise<void> {
    const { store, log } = this.#deps;
    await store.forgetMarks(src, await log.committed(src));
  }

  /**
   * The marks of a fill are one for each of its pieces, thousands over a long history, and read with those of live counting.
   * Once it is finished one says as much. None is just deleted: a registry that was brought back may have the fill unfinished.
   * Done now and then, for fills that were finished the last time too: whoever was writing a piece has long settled it.
   */
  async joinFillMarks(src: Src): Promise<void> {
    const { store, rules, clock } = this.#deps;
    const [at, last] = [clock.monotonic(), this.#fills.get(src)];
    if (last !== undefined && at - last.at < joinEveryMs) return;
    const finished = finishedOf(await rules.current(), this.#time.now());
    const due = finished.intersection(last?.finished ?? none).difference(last?.joined ?? none);
    if (due.size > 0) await store.joinFillMarks(src, [...due]);
    this.#fills.set(src, { at, finished, joined: due.union(last?.joined ?? none).intersection(finished) });
  }
}

type Series = ReadonlySet<number>;
const none: Series = new Set();

const joinEveryMs = 3_600_000;

const seriesAtOnce = 1000;

/** The series that are filled. A later version may have taken over one that is still being filled. */
function finishedOf(records: readonly RuleRecord[], now: number): Series {
  const versions = records.flatMap((record) => record.versions);
  const isOpen = ({ phase }: RuleVersion): boolean => phase === "pending" || phase === "filling";
  const stored = versions.filter((version) => version.activation !== null && keepsWindows(version, now));
  const open = new Set(versions.filter(isOpen).map(({ series }) => series));
  return new Set(stored.map(({ series }) => series)).difference(open);
}

/** What each series of these rules has that is no longer kept. */
function expiredOf(
  records: readonly RuleRecord[],
  rules: Pick<RuleSource, "ruleOf">,
  now: number,
): { readonly series: number; readonly before: number; readonly everyMs: number }[] {
  return records.flatMap(({ versions }) => {
    const limited = versions.filter(
      (version) => version.spec.retention !== undefined && version.activation !== null && keepsWindows(version, now),
    );
    return limited.flatMap((version) => {
      const rule = rules.ruleOf(version);
      if (rule === undefined) return [];
      return { series: version.series, before: oldestKept(rule, now), everyMs: expiryEveryMs(rule) };
    });
  });
}
