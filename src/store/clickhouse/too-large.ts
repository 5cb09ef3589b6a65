import { WeirError } from "../../lib/errors.ts";

/** TOO_MANY_ROWS_OR_BYTES, as the engine's client names it. */
export function isTooLarge(error: unknown): boolean {
  const cause = error instanceof WeirError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "396";
}

/** What a client is told whose page would be too large. */
export function tooLarge(bytesMax: number): WeirError {
  const message = `is too high: the rows take more than ${bytesMax} bytes; ask for fewer of them, and go on with the cursor`;
  return new WeirError("invalid_query", `limit ${message}`, { details: [{ path: "limit", message }] });
}
