import type { Clock } from "../../../lib/clock.ts";

/**
 * The engine's allocator gives back what was freed only where its arenas are used on, and every thread has one: what a merge or
 * a large answer needed once stays with the process. After twenty minutes of mixed load that is some 50 of 250 MB.
 */
export const giveBack = "SYSTEM JEMALLOC PURGE";
const everyMs = 20_000;

/** Gives back what is free, now and then. Where the allocator is another there is nothing to do. */
export function keepGivingBack(clock: Clock, run: (statement: string) => Promise<void>): void {
  let isRunning = false;
  clock.every(everyMs, () => {
    if (isRunning) return;
    isRunning = true;
    void run(giveBack)
      .catch(() => {})
      .finally(() => (isRunning = false));
  });
}
