import { formatTime } from "../lib/rfc3339.ts";
import type { LiveError, LiveErrorCode } from "../protocol/live.ts";

/** A push as text, from rows that are text already. */
export function pushText(ruleId: string, now: number, rows: readonly string[], truncated: boolean): string {
  return `{"rule_id":${JSON.stringify(ruleId)},"timestamp":"${formatTime(now)}","data":[${rows.join(",")}]${truncated ? ',"truncated":true' : ""}}`;
}

export function errorText(code: LiveErrorCode, message: string, ruleId?: string): string {
  const error: LiveError = { type: "error", code, message, ...(ruleId === undefined ? {} : { rule_id: ruleId }) };
  return JSON.stringify(error);
}
