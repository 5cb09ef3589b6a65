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

/** What a thread says: the seed of the world that it begins, and behind them all what became of them. */
export type Said = { readonly begun: number } | WorldsPlayed;

/** What worlds leave behind is given back with their thread: a life that ends in the midst of its work never lets go of all of it. */
const worldsOfThread = 1000;

const ownScript = new URL("./worlds.worker.ts", import.meta.url);

/**
 * Plays worlds in threads of their own, one after the other. In the thread of a test the runner follows every promise, which takes
 * as long again as the worlds.
 * @throws naming the world that a thread played when it broke off
 */
export async function playMany({ from, count }: Worlds, script = ownScript): Promise<WorldsPlayed> {
  let sum: WorldsPlayed = { worlds: 0, events: 0, deaths: 0, failed: undefined };
  while (sum.worlds < count && sum.failed === undefined) {
    const worlds = { from: from + sum.worlds, count: Math.min(worldsOfThread, count - sum.worlds) };
    const some = await inThread(worlds, script);
    sum = {
      worlds: sum.worlds + some.worlds,
      events: sum.events + some.events,
      deaths: sum.deaths + some.deaths,
      failed: some.failed,
    };
  }
  return sum;
}

function inThread(worlds: Worlds, script: URL): Promise<WorldsPlayed> {
  const worker = new Worker(script, { workerData: worlds });
  return new Promise((resolve, reject) => {
    let seed = worlds.from;
    let played: WorldsPlayed | undefined;
    let failure: Error | undefined;
    worker.on("message", (said: Said) => {
      if ("begun" in said) seed = said.begun;
      else played = said;
    });
    // It comes by another way than what the thread has said, which is all there at the exit.
    worker.once("error", (error: Error) => (failure = error));
    // Also one that waits for what nobody settles any more ends.
    worker.once("exit", (code) => {
      if (played) return resolve(played);
      const why = failure === undefined ? `it ended with ${code}, and said nothing` : String(failure);
      reject(new Error(`the thread of WEIR_SIM_SEED=${seed} broke off: ${why}`, { cause: failure }));
    });
  });
}
