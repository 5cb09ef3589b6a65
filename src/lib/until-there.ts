import type { Clock } from "./clock.ts";
import { WeirError } from "./errors.ts";

const pauseMinMs = 500;
const pauseMaxMs = 10_000;

/** Opens what may not be there yet: again after growing pauses, as long as trying again may help. Each failure is told first. */
export async function untilThere<T>(
  clock: Clock,
  open: () => Promise<T>,
  failed: (error: WeirError, pauseMs: number) => void,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof WeirError) || !error.canRetry) throw error;
      const pauseMs = Math.min(pauseMinMs * 2 ** attempt, pauseMaxMs);
      failed(error, pauseMs);
      await clock.sleep(pauseMs);
    }
  }
}
