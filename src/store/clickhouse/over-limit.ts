import { WeirError } from "../../lib/errors.ts";

/** TIMEOUT_EXCEEDED, TOO_SLOW, as the engine's client names them. They depend on what else the engine has to do. */
const timeCodes = new Set(["159", "160"]);
/** TOO_MANY_ROWS, MEMORY_LIMIT_EXCEEDED: the same question will need as much again. */
const sizeCodes = new Set(["158", "241"]);
/** How the engine says that all statements together need too much, not this one. */
const ofAll = "(total)";

/** What is told, each time with what to do. */
export interface Advice {
  readonly tooLong: string;
  readonly tooLarge: string;
}

/** What reading these takes too much of, and what to ask for instead. */
const advice = (what: string, ask: string): Advice => ({
  tooLong: `reading these ${what} takes more time than a question may have; ask for ${ask}`,
  tooLarge: `reading these ${what} takes more memory than a question may have; ask for ${ask}`,
});

export const ofWindows = advice(
  "windows",
  "a shorter span, one group by group.KEY=VALUE, a lower limit, or coarser windows by step",
);
export const ofEvents = advice("events", "a shorter span by start_time and end_time, or a lower limit");
export const ofRejects = advice("rejects", "a lower limit, and go on with the cursor");
/** Of a verification, which reads all events and can't be asked for less. */
export const ofComparing: Advice = {
  tooLong: "counting all of this rule's events again takes longer than a comparison may, which is some four minutes",
  tooLarge: "counting all of this rule's events again takes more memory than a statement may have",
};

/**
 * What came of reading. A statement that was ended because it took more than it may is told as what it is, not as a store
 * that is away.
 */
export async function withinLimits<T>(reading: Promise<T>, advice = ofWindows): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw overLimit(error, advice) ?? error;
  }
}

function overLimit(error: unknown, { tooLong, tooLarge }: Advice): WeirError | undefined {
  const cause = error instanceof WeirError ? error.cause : undefined;
  if (!(cause instanceof Error && "code" in cause)) return undefined;
  const code = String(cause.code);
  if (sizeCodes.has(code) && !cause.message.includes(ofAll)) return new WeirError("too_costly", tooLarge, { cause });
  if (!timeCodes.has(code)) return undefined;
  return new WeirError("timeout", tooLong, { cause, canRetry: true });
}
