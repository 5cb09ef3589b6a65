import type { Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../log/log.ts";
import { type RuleRecord, keepsWindows } from "../rule/registry.ts";
import { oldestKept } from "../rule/retention.ts";
import type { Store } from "../store/store.ts";
import type { ProgressWriter, RuleSource } from "./ports.ts";

/** Removes what nobody needs any more: windows of deleted and replaced rule versions and expired ones, marks below the committed position. */
export class Caretaker {
  readonly #store: Store;
  readonly #log: Log;
  readonly #rules: RuleSource;
  readonly #progress: ProgressWriter;
  readonly #clock: Clock;
  /** By series, ms of the monotonic clock. */
  readonly #expireAgainAt = new Map<number, number>();

  constructor(deps: { store: Store; log: Log; rules: RuleSource; progress: ProgressWriter; clock: Clock }) {
    this.#store = deps.store;
    this.#log = deps.log;
    this.#rules = deps.rules;
    this.#progress = deps.progress;
    this.#clock = deps.clock;
  }

  async dropOrphans(): Promise<void> {
    // The store is asked first: a series that appears later belongs to a record that is read now.
    const stored = await this.#store.seriesKept();
    const records = await this.#rules.current();
    const now = this.#clock.now();
    const needed = new Set(
      records.flatMap((record) =>
        record.versions.filter((version) => keepsWindows(version, now)).map((version) => version.series),
      ),
    );
    for (const series of stored.filter((kept) => !needed.has(kept))) {
      await this.#store.dropSeries(series);
      this.#expireAgainAt.delete(series);
      this.#progress.seriesChanged(series);
    }
  }

  /**
   * Deletes windows that ended longer ago than their rule keeps them. Nobody is shown them as it is, so it is done now and
   * then: each deletion goes over all parts of the table.
   */
  async dropExpired(): Promise<void> {
    const now = this.#clock.now();
    const due = expiredOf(await this.#rules.current(), this.#rules, now).filter(({ series }) => this.#isDue(series));
    for (let at = 0; at < due.length; at += seriesAtOnce) {
      const some = due.slice(at, at + seriesAtOnce);
      await this.#store.dropWindows(some);
      for (const { series, everyMs } of some) this.#expireAgainAt.set(series, this.#clock.monotonic() + everyMs);
    }
  }

  #isDue(series: number): boolean {
    return this.#clock.monotonic() >= (this.#expireAgainAt.get(series) ?? 0);
  }

  async forgetMarks(src: Src): Promise<void> {
    await this.#store.forgetMarks(src, await this.#log.committed(src));
  }
}

const seriesAtOnce = 1000;
const hourMs = 3_600_000;

/** What each series of these rules has that is no longer kept. */
function expiredOf(
  records: readonly RuleRecord[],
  rules: RuleSource,
  now: number,
): { readonly series: number; readonly before: number; readonly everyMs: number }[] {
  return records.flatMap(({ versions }) => {
    const limited = versions.filter(
      (version) => version.spec.retention !== undefined && version.activation !== null && keepsWindows(version, now),
    );
    return limited.map((version) => {
      const rule = rules.ruleOf(version);
      // What lies too long is a twentieth more, or what comes in an hour.
      const everyMs = Math.min(hourMs, (rule.retentionSeconds ?? 0) * 50);
      return { series: version.series, before: oldestKept(rule, now), everyMs };
    });
  });
}
