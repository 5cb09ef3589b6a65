import { WeirError } from "../../src/lib/errors.ts";
import type { ErrorCode } from "../../src/lib/errors.ts";
import type { WindowQuery } from "../../src/store/store.ts";
import type { MemoryStore } from "./memory-store.ts";

/**
 * From now on the store ends the readings of windows of which `isTooMuch` is true, by this error.
 * @returns how many seconds readings were given.
 */
export function endReadings(
  store: MemoryStore,
  isTooMuch: (query: WindowQuery) => boolean,
  code: ErrorCode = "timeout",
): ReadonlySet<number | undefined> {
  const windows = store.windows.bind(store);
  const seconds = new Set<number | undefined>();
  store.windows = async (query: WindowQuery, secondsMax?: number) => {
    const rows = await windows(query);
    seconds.add(secondsMax);
    if (isTooMuch(query)) throw new WeirError(code, "too much", { canRetry: code === "timeout" });
    return rows;
  };
  return seconds;
}
