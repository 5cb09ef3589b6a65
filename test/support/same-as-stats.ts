import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { allStats } from "./api.ts";
import type { LiveWatcher } from "./live-watcher.ts";

export type Watchers = Readonly<Record<string, LiveWatcher>>;

const patienceMs = 120_000;

/**
 * Waits until what every watcher has of every rule is what `/stats` answers with this end, ms, which has to be behind all
 * windows. What breaks the protocol stays broken, and is not waited for.
 */
export async function sameAsStats(watchers: Watchers, ids: readonly string[], url: string, end: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const failure = await compare(watchers, ids, url, end).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    const isBroken = Object.values(watchers).some(({ mistakes }) => mistakes.length > 0);
    if (isBroken || performance.now() > deadline) throw failure;
    await pause(50);
  }
}

async function compare(watchers: Watchers, ids: readonly string[], url: string, end: number): Promise<void> {
  for (const [name, { assembler, mistakes }] of Object.entries(watchers)) {
    assert.ok(mistakes.length === 0, `${name}: ${String(mistakes[0])}`);
    for (const id of ids) {
      const from = assembler.from(id);
      assert.ok(from !== undefined, `${name} has nothing of ${id}`);
      const answered = await allStats(url, id, Date.parse(from), end);
      assert.deepEqual(assembler.rows(id), answered, `${name}, ${id}`);
    }
  }
}
