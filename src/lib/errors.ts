/**
 * Every code that an error of Weir can carry, with what it means. One table: the documents list it, and `http/` maps
 * each code to a status (the only place where HTTP status codes exist).
 */
export const errorCodes = {
  bad_request: "the request is not HTTP as the server understands it",
  headers_too_large: "the headers are larger than a request may have",
  request_timeout: "the request took too long to arrive",
  invalid_json: "the body is not JSON; a line of NDJSON that is not is a broken event (`invalid_events`)",
  empty_batch: "the request has no events",
  too_many_events: "the request has more events than one request may have",
  body_too_large: "the body, once decoded, is larger than one request may be",
  unsupported_media_type: "the content type is not understood",
  unsupported_encoding: "the content encoding is not understood",
  invalid_encoding: "the body is not what its content encoding says",
  invalid_events: "one or more events break the contract; `details` names them",
  invalid_rule: "the rule, or a rule of the document, breaks the contract; `details` names every mistake",
  invalid_query: "a query parameter is wrong; `details` names every mistake",
  invalid_token: "the token is not one that this server gave",
  unknown_rule: "there is no rule of this id",
  rule_unreadable:
    "the rule is stored in a form that this server does not take (another version of it may have); the message says what is wrong",
  unknown_version: "the rule has no version of this number, or it is no longer kept; `details` names those that are",
  unknown_erasure: "there is no erasure of this id",
  unknown_route: "there is no such route",
  method_not_allowed: "the route does not take this method",
  version_conflict: "the rule, or the document of all rules, has another version than the one named in `If-Match`",
  origin_refused: "pages of this origin may not open a socket; the configuration lists those that may",
  host_refused: "the server may not be asked by this host name; `--host-names` lists those by which it may",
  upgrade_required: "this route is a WebSocket; ask it to be one",
  overloaded: "more is in flight than the configured bound; try again",
  log_full: "the log has reached its bound of bytes or the disk its low mark; try again",
  log_unavailable: "the log can't take events now; try again",
  log_failed: "the log failed to make events durable; whether they are kept is unknown",
  log_damaged: "the files of the log are damaged; the message says where",
  log_gap: "events were deleted from the log before they were counted; the message says which",
  folder_mixed: "the log and the store in the data folder are not of the same moment; the message says which is behind",
  store_unavailable: "the store can't answer now; try again",
  store_refused: "the store refused a statement",
  store_damaged:
    "files of the store are damaged; the message names the part, and [a damaged part](#a-damaged-part-of-the-store) says what to do",
  store_taken: "another process writes to the store in this one's place; this one ends",
  store_unfit: "the store can't be used as it is; the message says what to do",
  registry_unavailable: "the rules can't be read or changed now; try again",
  data_dir_in_use: "another process has the data folder",
  disk_full: "the disk of the data folder has no room for a start",
  port_taken: "the port is in use",
  invalid_config: "the configuration has mistakes; `details` names them",
  too_costly:
    "answering takes more memory, or more rows to be read, than one request may have; the message says what to do",
  timeout: "the wait ended before what was waited for happened, or reading takes more time than a question may have",
  stopping: "the server is stopping; try again",
  internal: "something unforeseen happened; the log of the server says what",
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** One mistake in what somebody sent: where it is, what is wrong, and the offending value. */
export interface Problem {
  /** JSON path or parameter name, e.g. `[3].timestamp` or `group_by[0]`. */
  readonly path: string;
  readonly message: string;
  readonly value?: unknown;
}

export interface ErrorFacts {
  readonly details?: unknown;
  /** Whether the same call may succeed later. */
  readonly canRetry?: boolean;
  /** After how many milliseconds a retry makes sense. */
  readonly retryAfterMs?: number;
  /** True when it is not known whether the call took effect; settle it by reading, never by sending again blind. */
  readonly outcomeUnknown?: boolean;
  /** What there was too little of for so much at once: less of the same may succeed. */
  readonly lacks?: "memory" | "time" | undefined;
  readonly cause?: unknown;
}

/** The only error class that crosses a folder. `message` is for people and holds the offending value. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly canRetry: boolean;
  readonly retryAfterMs: number | undefined;
  readonly outcomeUnknown: boolean;
  readonly lacks: ErrorFacts["lacks"];

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause });
    this.name = "WeirError";
    this.code = code;
    this.details = facts.details;
    this.canRetry = facts.canRetry ?? false;
    this.retryAfterMs = facts.retryAfterMs;
    this.outcomeUnknown = facts.outcomeUnknown ?? false;
    this.lacks = facts.lacks;
  }
}

/** What anything that was thrown says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
