import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";

/** The engine takes zero for "no bound", and hardly begins with less than this. */
const leastSeconds = 0.01;

/**
 * What is left, at each call, of the seconds that several statements may take together, and our own work between them.
 * @throws WeirError `timeout` with this message, when nothing is.
 */
export function timeLeft(clock: Pick<Clock, "monotonic">, secondsMax: number, tooLong: string): () => number {
  const end = clock.monotonic() + secondsMax * 1000;
  return () => {
    const seconds = (end - clock.monotonic()) / 1000;
    if (seconds < leastSeconds) throw new WeirError("timeout", tooLong, { canRetry: true });
    return seconds;
  };
}
