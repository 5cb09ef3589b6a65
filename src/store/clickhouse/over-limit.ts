import { WeirError } from "../../lib/errors.ts";

/** TOO_MANY_ROWS, TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED, as the engine's client names them. */
const overLimitCodes = new Set(["158", "159", "160", "241"]);

/** Whether a statement was ended because it took more than it may, and not because the store is away. */
export function isOverLimit(error: unknown): boolean {
  const cause = error instanceof WeirError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && overLimitCodes.has(String(cause.code));
}

/** What came of reading; that it took too much is told as what it is, since the same question will take as much again. */
export async function withinLimits<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw isOverLimit(error) ? tooMuch(error) : error;
  }
}

const tooMuch = (cause: unknown): WeirError =>
  new WeirError(
    "timeout",
    "reading these windows takes more time or memory than a question may have; ask for a shorter span, a lower limit, or coarser windows by step",
    { cause },
  );
