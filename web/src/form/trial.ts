import type { WeirError } from "../../../client/src/weir.ts";
import { toWeirError } from "../use-polled.ts";

/** What became of a trial, and whether it is tried again by itself. */
export type Outcome<T> = { readonly answer: T } | { readonly error: WeirError; readonly isRepeated: boolean };

/** Typing has paused so long before a rule is tried. */
const typingMs = 350;
/** Others are trying rules, or the server is away. */
const firstRetryMs = 1500;
const mostRetryMs = 15_000;
/** Whether the page is seen again. */
const lookMs = 1000;

/**
 * Tries something out, and again what may succeed later, after pauses that get longer; not while nobody sees the page, as a server tries out few
 * rules at a time. What took too long would most likely take so again. Returns how to end it.
 */
export function keepTrying<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  told: (outcome: Outcome<T>) => void,
): () => void {
  const ending = new AbortController();
  let failures = 0;
  let timer: ReturnType<typeof setTimeout>;
  const next = (ms: number): void => void (timer = setTimeout(() => void turn(), ms));
  const turn = async (): Promise<void> => {
    if (document.hidden) return next(lookMs);
    const outcome = await outcomeOf(attempt, ending.signal);
    if (ending.signal.aborted) return;
    told(outcome);
    if ("error" in outcome && outcome.isRepeated) next(retryMs(outcome.error, failures++));
  };
  next(typingMs);
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}

const retryMs = ({ retryAfterMs = 0 }: WeirError, failures: number): number =>
  Math.max(retryAfterMs, Math.min(mostRetryMs, firstRetryMs * 2 ** failures));

async function outcomeOf<T>(attempt: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<Outcome<T>> {
  try {
    return { answer: await attempt(signal) };
  } catch (thrown) {
    const error = toWeirError(thrown);
    return { error, isRepeated: error.canRetry && error.code !== "timeout" };
  }
}
