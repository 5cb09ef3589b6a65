import { WeirError } from "../../lib/errors.ts";
import { isDiskFull, sqliteCode } from "../../lib/sqlite-code.ts";
import type { Fault } from "./messages.ts";

const primaryCode = { error: 1, corrupt: 11, notADatabase: 26 };
/** The file ended inside a page. */
const shortRead = 522;

/**
 * What an error of SQLite means for the log. Only "disk full" is known to have kept nothing and to pass; after any
 * other failed write the outcome is unknown, and it is not tried again: the system may report a failed fsync once and
 * then forget the pages that it lost.
 */
export function faultOf(error: unknown, doing: string, place: string): Fault {
  if (error instanceof WeirError) {
    return {
      code: error.code,
      message: error.message,
      outcomeUnknown: error.outcomeUnknown,
      fatal: error.code !== "log_full",
    };
  }
  const text = `${doing} failed in ${place}: ${describe(error)}`;
  // Clients are told this one as it is, so it names no file.
  if (isDiskFull(error))
    return { code: "log_full", message: "the disk is full; nothing was kept", outcomeUnknown: false, fatal: false };
  return { code: isDamage(error) ? "log_damaged" : "log_failed", message: text, outcomeUnknown: true, fatal: true };
}

/**
 * Whether the error says that the file's content is broken (and not, say, that the disk can't be reached). We write no
 * integer that a double can't hold, so one that is out of range was not written by us. Our statements are always the same
 * and right for the layout: what SQLite can't make sense of is the file (an unknown file format, a table without its column).
 */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  const primary = code & 0xff;
  if (error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE") return true;
  const { corrupt, notADatabase, error: senseless } = primaryCode;
  return [corrupt, notADatabase, senseless].includes(primary) || code === shortRead;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = sqliteCode(error);
  return code === 0 ? error.message : `${error.message} (SQLite code ${code})`;
}
