/** As long as is believed, in seconds as in a date: eleven days. */
const mostMs = 999_999_000;

/** How long an answer asks to be left alone, ms: its `Retry-After` in seconds, or a date. `now`: this clock, ms since the epoch. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const header = headers.get("retry-after") ?? "";
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : untilDate(dateOf(header), headers, now);
  return ms !== undefined && ms <= mostMs ? ms : undefined;
}

/** By the clock that the date was made by, which the answer tells unless it came from another origin. */
function untilDate(at: number | undefined, headers: Headers, now: number): number | undefined {
  return at === undefined ? undefined : Math.max(0, at - (dateOf(headers.get("date") ?? "") ?? now));
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and nothing else that `Date` makes a moment of. */
function dateOf(header: string): number | undefined {
  const at = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(at) ? undefined : at;
}
