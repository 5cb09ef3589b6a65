import type { Clock } from "../lib/clock.ts";

/** What comes, until somebody wants an end: a standard input may be silent for ever. */
export async function* untilStopped<T>(coming: AsyncIterable<T>, signal: AbortSignal, clock: Clock): AsyncGenerator<T> {
  const reading = coming[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await nextOf(reading, signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // What reads files and processes lets them go; it is waited for no longer than it needs when all is well.
    await Promise.race([reading.return?.(), clock.sleep(500)]);
  }
}

/**
 * Done, too, when the signal aborts. A promise of its own each time: one that waits for the signal, raced again and again, keeps all
 * that it was raced against, and so the whole file.
 */
function nextOf<T>(reading: AsyncIterator<T, unknown>, signal: AbortSignal): Promise<IteratorResult<T, unknown>> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve({ done: true, value: undefined });
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    void reading
      .next()
      .then(resolve, reject)
      .then(() => signal.removeEventListener("abort", stop));
  });
}
