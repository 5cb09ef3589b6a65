import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { allStats } from "./api.ts";
import { firstDifference } from "./first-difference.ts";
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
    const difference = await differenceOf(watchers, ids, url, end).catch(String);
    for (const [name, { mistakes }] of Object.entries(watchers)) assert.equal(mistakes[0], undefined, name);
    if (difference === undefined) return;
    assert.ok(performance.now() < deadline, difference);
    await pause(200);
  }
}

async function differenceOf(
  watchers: Watchers,
  ids: readonly string[],
  url: string,
  end: number,
): Promise<string | undefined> {
  for (const [name, { assembler }] of Object.entries(watchers)) {
    for (const id of ids) {
      const from = assembler.from(id);
      if (from === undefined) return `${name} has nothing of ${id}`;
      const different = firstDifference(assembler.rows(id), await allStats(url, id, Date.parse(from), end));
      if (different !== undefined) return `${name}, ${id}: ${different}`;
    }
  }
  return undefined;
}
