import type { Clock } from "./clock.ts";

const workMsMax = 2;

/**
 * Takes the steps of a long calculation, and lets everything else that waits have its turn whenever they have taken two
 * milliseconds. Answers what the steps return.
 */
export async function inTurns<T>(
  steps: Iterator<undefined, T, undefined>,
  clock: Pick<Clock, "monotonic" | "turn">,
): Promise<T> {
  let until = clock.monotonic() + workMsMax;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (clock.monotonic() < until) continue;
    await clock.turn();
    until = clock.monotonic() + workMsMax;
  }
}
