import type { Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../log/log.ts";
import { keepsWindows } from "../rule/registry.ts";
import type { Store } from "../store/store.ts";
import type { ProgressWriter, RuleSource } from "./ports.ts";

/** Removes what nobody needs any more: windows of deleted and replaced rule versions, marks below the committed position. */
export class Caretaker {
  readonly #store: Store;
  readonly #log: Log;
  readonly #rules: RuleSource;
  readonly #progress: ProgressWriter;
  readonly #clock: Clock;

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
      this.#progress.seriesChanged(series);
    }
  }

  async forgetMarks(src: Src): Promise<void> {
    await this.#store.forgetMarks(src, await this.#log.committed(src));
  }
}
