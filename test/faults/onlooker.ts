import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { allStats } from "../support/api.ts";
import { firstDifference } from "../support/first-difference.ts";
import { SocketWatcher } from "../support/live-watcher.ts";

const patienceMs = 120_000;

/** Somebody who watches rules by the exact protocol, and comes back to each server that is started. */
export class Onlooker {
  readonly #rules: readonly string[];
  readonly #watcher: SocketWatcher;

  constructor(rules: readonly string[]) {
    this.#rules = rules;
    this.#watcher = new SocketWatcher(rules, { interval_ms: 1000 });
  }

  connect(queryUrl: string): Promise<void> {
    return this.#watcher.connect(queryUrl);
  }

  drop(): void {
    this.#watcher.drop();
  }

  /** Resolves when what it has put together is what `/stats` answers, until `to` (ms). */
  async agrees(queryUrl: string, to: number): Promise<void> {
    for (const end = performance.now() + patienceMs; ; await pause(200)) {
      const difference = await this.#difference(queryUrl, to).catch(String);
      assert.equal(this.#watcher.mistakes[0], undefined);
      if (difference === undefined) return;
      assert.ok(performance.now() < end, `somebody who watches has something else than /stats: ${difference}`);
    }
  }

  async #difference(queryUrl: string, to: number): Promise<string | undefined> {
    const { assembler } = this.#watcher;
    for (const id of this.#rules) {
      const from = assembler.from(id);
      if (from === undefined) return `nothing of ${id}`;
      const different = firstDifference(assembler.rows(id), await allStats(queryUrl, id, Date.parse(from), to));
      if (different !== undefined) return `${id}: ${different}`;
    }
    return undefined;
  }
}
