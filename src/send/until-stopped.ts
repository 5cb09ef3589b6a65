import type { Clock } from "../lib/clock.ts";
import { aborted, isAborted } from "../lib/unless-aborted.ts";

/** What comes, until somebody wants an end: a standard input may be silent for ever. */
export async function* untilStopped<T>(coming: AsyncIterable<T>, signal: AbortSignal, clock: Clock): AsyncGenerator<T> {
  const reading = coming[Symbol.asyncIterator]();
  const stopped = aborted(signal);
  try {
    for (;;) {
      const next = await Promise.race([reading.next(), stopped.promise]);
      if (next === isAborted || next.done === true) return;
      yield next.value;
    }
  } finally {
    stopped.forget();
    // What reads files and processes lets them go; it is waited for no longer than it needs when all is well.
    await Promise.race([reading.return?.(), clock.sleep(500)]);
  }
}
