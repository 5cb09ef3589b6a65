import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Played } from "./play.ts";

/** The worlds of these seeds, one after the other. */
export interface Worlds {
  readonly from: number;
  readonly count: number;
}

export interface WorldsPlayed {
  readonly worlds: number;
  readonly events: number;
  readonly deaths: number;
  /** The first world in which something was wrong, which was the last to be played. */
  readonly failed: Pick<Played, "seed" | "findings"> | undefined;
}

/** What worlds leave behind is given back with their thread: a life that ends in the midst of its work never lets go of all of it. */
const worldsOfThread = 1000;

/**
 * Plays worlds in threads of their own, one after the other. In the thread of a test the runner follows every promise, which takes
 * as long again as the worlds.
 */
export async function playMany({ from, count }: Worlds): Promise<WorldsPlayed> {
  let sum: WorldsPlayed = { worlds: 0, events: 0, deaths: 0, failed: undefined };
  while (sum.worlds < count && sum.failed === undefined) {
    const some = await inThread({ from: from + sum.worlds, count: Math.min(worldsOfThread, count - sum.worlds) });
    sum = {
      worlds: sum.worlds + some.worlds,
      events: sum.events + some.events,
      deaths: sum.deaths + some.deaths,
      failed: some.failed,
    };
  }
  return sum;
}

/** @throws what ends the thread */
async function inThread(worlds: Worlds): Promise<WorldsPlayed> {
  const worker = new Worker(new URL("./worlds.worker.ts", import.meta.url), { workerData: worlds });
  const ended = once(worker, "exit");
  const [played] = (await once(worker, "message")) as [WorldsPlayed];
  await ended;
  return played;
}
