/**
 * What comes, unless the signal aborts before: then nobody waits for it any more. The signal is let go of in the end: one that is
 * made of others is kept, with all that its listeners know, for as long as it is listened to.
 * @throws `reason()`, by default the signal's, when the signal aborts first.
 */
export async function unlessAborted<T>(
  coming: Promise<T>,
  signal: AbortSignal,
  reason: () => unknown = () => signal.reason,
): Promise<T> {
  const ended = aborted(signal);
  try {
    const first = await Promise.race([coming, ended.promise]);
    if (first === isAborted) throw reason();
    return first;
  } finally {
    ended.forget();
  }
}

export const isAborted = Symbol("aborted");

/** Resolves when the signal aborts; to be forgotten by whoever waits no longer. */
export function aborted(signal: AbortSignal): { promise: Promise<typeof isAborted>; forget: () => void } {
  let stop = (): void => {};
  const promise = new Promise<typeof isAborted>((resolve) => (stop = () => resolve(isAborted)));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return { promise, forget: () => signal.removeEventListener("abort", stop) };
}
