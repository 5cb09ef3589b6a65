import { WeirError } from "../../client/src/weir.ts";

/** What is wrong, for people; when nobody answers, also why, unless it is that nobody listens there, which the message says. */
export function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason = error instanceof WeirError && error.code === "no_answer" ? reasonOf(error.cause) : undefined;
  return reason === undefined ? error.message : `${error.message} (${reason})`;
}

/** Of the first cause that the system or TLS has named. */
function reasonOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  if (code === undefined) return reasonOf(cause.cause);
  if (code === "ECONNREFUSED") return undefined;
  // Of OpenSSL's own messages only the code is for people.
  return code.startsWith("ERR_SSL") || cause.message === "" ? code : cause.message;
}
