import type { Clock } from "./clock.ts";
import { WeirError } from "./errors.ts";

const pauseMinMs = 500;
const pauseMaxMs = 10_000;

/**
 * Opens what may not be there yet: again after growing pauses, as long as trying again may help. A failure is told when it
 * is another than the one before.
 * @throws WeirError `stopping` at the signal; what trying again can't help.
 */
export async function untilThere<T>(
  clock: Clock,
  open: () => Promise<T>,
  failed: (error: WeirError, pauseMs: number) => void,
  signal?: AbortSignal,
): Promise<T> {
  let told = "";
  for (let attempt = 0; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof WeirError) || !error.canRetry) throw error;
      const pauseMs = Math.min(pauseMinMs * 2 ** attempt, pauseMaxMs);
      if (error.message !== told) failed(error, pauseMs);
      told = error.message;
      await clock.sleep(pauseMs, signal);
      if (signal?.aborted === true) throw new WeirError("stopping", `stopped while waiting: ${error.message}`);
    }
  }
}
