import type { Clock } from "../../../lib/clock.ts";

/**
 * How the engine's allocator is set up, by its environment. What is freed goes back to the system after half a second instead of
 * five: as folders grow merges and inserts free more and more in five seconds, which no figure of the engine's shows. It costs some
 * two hundredths of its processor time, and of 300,000 events/s the median is counted after 360 to 410 ms instead of 280 to 320
 * (`npm run bench -- p2 --rate 300000`); at 100,000 nothing is to be seen of it.
 */
export const allocator = "dirty_decay_ms:500,muzzy_decay_ms:0";

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
