import { Transform } from "node:stream";
import type { Readable } from "node:stream";
import type { Clock } from "../lib/clock.ts";

/** What has not come, or has not been taken, after this long must have gone at this rate at least. */
const patienceMs = 10_000;
const bytesPerSecondMin = 64 * 1024;

/** How many bytes of a body must have come, or of a table been taken, after so long; below zero before the patience has ended. */
export const bytesDue = (ms: number): number => ((ms - patienceMs) / 1000) * bytesPerSecondMin;

export interface Taker {
  /** Whether it can take any yet: of an answer nothing is written before those in front of it have ended. */
  readonly canTake: () => boolean;
  /** Called, once, when it is slower than may be. */
  readonly tooSlow: () => void;
}

/** The bytes, passed on. What breaks breaks both. */
export function atLeastRate(
  bytes: Readable,
  clock: Pick<Clock, "monotonic" | "every">,
  { canTake, tooSlow }: Taker,
): Readable {
  let begun = clock.monotonic();
  let taken = 0;
  const passed = new Transform({
    transform: (piece: Buffer, _, done) => {
      taken += piece.length;
      done(null, piece);
    },
  });
  const stop = clock.every(1000, () => {
    if (!canTake()) return void (begun = clock.monotonic());
    if (taken >= bytesDue(clock.monotonic() - begun)) return;
    stop();
    tooSlow();
  });
  passed.once("close", () => (stop(), bytes.destroy()));
  bytes.once("error", (error) => passed.destroy(error));
  return bytes.pipe(passed);
}
