import type { Clock } from "./clock.ts";

/** What a call that has not settled in time is answered with. It goes on, and nobody hears of its end. */
export class DeadlineError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms / 1000} s`);
    this.name = "DeadlineError";
  }
}

/** The outcome of `call`, or a `DeadlineError` after `ms` milliseconds. */
export async function within<T>(clock: Clock, ms: number, call: () => Promise<T>): Promise<T> {
  const settled = new AbortController();
  const running = call();
  running.catch(() => {});
  const late = clock.sleep(ms, settled.signal).then(() => {
    throw new DeadlineError(ms);
  });
  // The loser of the race is heard by nobody.
  late.catch(() => {});
  try {
    return await Promise.race([running, late]);
  } finally {
    settled.abort();
  }
}
