import type { ErrorBody } from "../protocol/errors.ts";
import { WeirError, errorCodes } from "../lib/errors.ts";
import type { ErrorCode } from "../lib/errors.ts";

/** The status of each code. The only table of statuses. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  headers_too_large: 431,
  request_timeout: 408,
  invalid_json: 400,
  empty_batch: 400,
  too_many_events: 413,
  body_too_large: 413,
  unsupported_media_type: 415,
  unsupported_encoding: 415,
  invalid_encoding: 400,
  invalid_events: 422,
  invalid_rule: 422,
  invalid_query: 400,
  invalid_token: 400,
  unknown_rule: 404,
  rule_unreadable: 409,
  unknown_version: 404,
  unknown_erasure: 404,
  unknown_route: 404,
  method_not_allowed: 405,
  version_conflict: 412,
  origin_refused: 403,
  host_refused: 403,
  upgrade_required: 426,
  overloaded: 429,
  log_full: 503,
  log_unavailable: 503,
  log_failed: 503,
  log_damaged: 500,
  log_gap: 500,
  folder_mixed: 500,
  store_unavailable: 503,
  store_refused: 500,
  store_damaged: 500,
  store_taken: 503,
  store_unfit: 503,
  registry_unavailable: 503,
  data_dir_in_use: 500,
  disk_full: 500,
  port_taken: 500,
  invalid_config: 500,
  too_costly: 422,
  timeout: 504,
  stopping: 503,
  internal: 500,
};

/** Codes whose messages may hold what a client must not see (SQL, paths, texts of an engine): answered with the table's text. */
const inner: ReadonlySet<ErrorCode> = new Set([
  "log_unavailable",
  "log_failed",
  "log_damaged",
  "log_gap",
  "folder_mixed",
  "store_unavailable",
  "store_refused",
  "store_taken",
  "store_unfit",
  "registry_unavailable",
  "data_dir_in_use",
  "disk_full",
  "port_taken",
  "invalid_config",
  "internal",
]);

/** What goes over the wire for an error. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
}

const retryAfterDefaultMs = 1000;

/** Turns any error into the answer that a client may see. Anything but a `WeirError` is `internal` and shows nothing of itself. */
export function answerOf(error: unknown): ErrorAnswer {
  const known = error instanceof WeirError ? error : new WeirError("internal", errorCodes.internal);
  const status = statusOf[known.code];
  const hidden = inner.has(known.code);
  const message = hidden ? errorCodes[known.code] : known.message;
  const headers: Record<string, string> = {};
  if (status === 426) headers["upgrade"] = "websocket";
  if (status === 429 || status === 503) headers["retry-after"] = seconds(known.retryAfterMs ?? retryAfterDefaultMs);
  return {
    status,
    headers,
    body: { error: { code: known.code, message, details: hidden ? null : (known.details ?? null) } },
  };
}

/** The `WeirError` for what the HTTP framework throws; what is not the client's fault stays as it is. */
export function fromFramework(error: unknown): unknown {
  if (error instanceof WeirError || !(error instanceof Error)) return error;
  const known = frameworkErrors[textOf(error, "code")];
  if (known) return new WeirError(...known, { cause: error });
  const status = "statusCode" in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return new WeirError("bad_request", errorCodes.bad_request, { cause: error });
  return error;
}

/** The error for a connection whose bytes are not HTTP, or do not come. */
export function connectionError(code: string | undefined): WeirError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new WeirError("request_timeout", errorCodes.request_timeout);
  if (code === "HPE_HEADER_OVERFLOW") return new WeirError("headers_too_large", errorCodes.headers_too_large);
  return new WeirError("bad_request", errorCodes.bad_request);
}

const frameworkErrors: Readonly<Record<string, readonly [code: ErrorCode, message: string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["unsupported_media_type", "the body must be application/json, and say so"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["bad_request", "the body is not as long as its Content-Length says"],
  FST_ERR_BAD_URL: [
    "bad_request",
    "the path can't be decoded: each % needs the two digits of a byte of UTF-8 behind it",
  ],
  FST_ERR_MAX_PARAM_LENGTH: ["unknown_route", "a part of the path is longer than any of ours"],
  FST_ERR_NOT_FOUND: ["unknown_route", errorCodes.unknown_route],
};

function textOf(error: object, key: "code"): string {
  return key in error && typeof error[key as keyof typeof error] === "string"
    ? (error[key as keyof typeof error] as string)
    : "";
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}
