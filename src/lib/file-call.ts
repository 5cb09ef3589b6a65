import { messageOf, WeirError } from "./errors.ts";

/** Runs a call on a file that rules or erasures are kept in; whatever befalls it is `registry_unavailable`: `what`, and the reason. */
export function fileCall<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const reason = messageOf(cause);
    const outcomeUnknown = cause instanceof WeirError && cause.outcomeUnknown;
    throw new WeirError("registry_unavailable", `${what}: ${reason}`, { canRetry: true, outcomeUnknown, cause });
  }
}
