import { formatTime } from "../lib/rfc3339.ts";
import type { LiveError, LiveErrorCode } from "../protocol/live.ts";

/** A push as text, from rows that are text already. Of more than so many bytes the last are cut, and that is said. */
export function pushText(
  ruleId: string,
  now: number,
  rows: readonly string[],
  { bytesMax, truncated }: { readonly bytesMax: number; readonly truncated: boolean },
): string {
  const count = fitting(rows, bytesMax);
  const said = truncated || count < rows.length ? ',"truncated":true' : "";
  return `{"rule_id":${JSON.stringify(ruleId)},"timestamp":"${formatTime(now)}","data":[${rows.slice(0, count).join(",")}]${said}}`;
}

/** How many of the first of them have at most so many bytes, with the commas. */
export function fitting(texts: readonly string[], bytesMax: number): number {
  let bytes = 0;
  const beyond = texts.findIndex((text) => (bytes += Buffer.byteLength(text) + 1) > bytesMax);
  return beyond < 0 ? texts.length : beyond;
}

export function errorText(code: LiveErrorCode, message: string, ruleId?: string): string {
  const error: LiveError = { type: "error", code, message, ...(ruleId === undefined ? {} : { rule_id: ruleId }) };
  return JSON.stringify(error);
}
