import type { Clock } from "../lib/clock.ts";

/** What comes, until somebody wants an end: a standard input may be silent for ever. */
export async function* untilStopped<T>(coming: AsyncIterable<T>, signal: AbortSignal, clock: Clock): AsyncGenerator<T> {
  const reading = coming[Symbol.asyncIterator]();
  const stopped = aborted(signal);
  try {
    for (;;) {
      const next = await Promise.race([reading.next(), stopped.promise]);
      if (next === "stopped" || next.done === true) return;
      yield next.value;
    }
  } finally {
    stopped.forget();
    // What reads files and processes lets them go; it is waited for no longer than it needs when all is well.
    await Promise.race([reading.return?.(), clock.sleep(500)]);
  }
}

/** @throws the signal's reason when somebody wants an end before it is there. */
export async function unlessStopped<T>(coming: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = aborted(signal);
  try {
    const first = await Promise.race([coming, stopped.promise]);
    if (first === "stopped") signal.throwIfAborted();
    return first as T;
  } finally {
    stopped.forget();
  }
}

function aborted(signal: AbortSignal): { promise: Promise<"stopped">; forget: () => void } {
  let stop = (): void => {};
  const promise = new Promise<"stopped">((resolve) => (stop = () => resolve("stopped")));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return { promise, forget: () => signal.removeEventListener("abort", stop) };
}
