export interface Backoff {
  /** The first pause is up to so long, each further one up to twice as long as the one before, … */
  readonly firstMs: number;
  /** … up to so long. */
  readonly mostMs: number;
}

/**
 * How long to wait before the next attempt, when so many have failed (1, 2, …): somewhere between half and all of the step, so
 * that many clients of one server don't come back at the same moment.
 */
export function pauseMs(failures: number, { firstMs, mostMs }: Backoff, random: number): number {
  const step = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(step * (0.5 + random / 2));
}
