import { WeirError } from "../lib/errors.ts";
import type { Place, StatsRequest } from "./stats-request.ts";

/** With escapes, what headers and addresses of most servers and clients can carry; shorter than what `/stats` takes. */
const cursorLengthMax = 8000;

interface PageEnd {
  /** How many of the rows the page has. */
  readonly count: number;
  readonly cursor: string;
}

/**
 * Where a page of these rows ends when there are more behind it: at the last row whose cursor somebody could send back. A
 * cursor that nobody could send back is no cursor, and a page without one would look whole.
 * @throws WeirError `invalid_query` when no row has one.
 */
export function pageEnd(rows: readonly Place[], { query, nextCursor }: StatsRequest): PageEnd {
  for (let count = rows.length; count > 0; count--) {
    const cursor = nextCursor(rows[count - 1]!);
    if (cursor.length <= cursorLengthMax) return { count, cursor };
  }
  const message = "ends the page at a group whose values are too long for a cursor; choose another";
  throw new WeirError("invalid_query", `limit ${message}`, {
    details: [{ path: "limit", message, value: query.limit }],
  });
}
