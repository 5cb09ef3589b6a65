import { messageOf } from "../../../lib/errors.ts";

/** An error in ClickHouse's own terms, as its HTTP interface reports it. Never leaves this folder but as an HTTP answer. */
export class EngineException extends Error {
  readonly code: number;

  constructor(name: ExceptionName, message: string) {
    super(`Code: ${codes[name]}. DB::Exception: ${message} (${name})`);
    this.name = "EngineException";
    this.code = codes[name];
  }
}

/** The exceptions that the child raises by itself; all others come from the engine. */
const codes = {
  BAD_ARGUMENTS: 36,
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
  NO_DATA_TO_INSERT: 108,
  UNKNOWN_SETTING: 115,
  READONLY: 164,
  QUERY_IS_TOO_LARGE: 175,
  REQUIRED_PASSWORD: 194,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: 216,
  ABORTED: 236,
  INTO_OUTFILE_NOT_ALLOWED: 358,
  QUERY_WAS_CANCELLED: 394,
  BAD_QUERY_PARAMETER: 457,
  AUTHENTICATION_FAILED: 516,
  STD_EXCEPTION: 1001,
} as const;

export type ExceptionName = keyof typeof codes;

export interface ExceptionReport {
  readonly code: number;
  /** `Code: N. DB::Exception: … (NAME)` and a line end. */
  readonly text: string;
  readonly status: number;
}

/** What to answer for anything that was thrown. The engine's messages carry their code in front. */
export function reportException(error: unknown): ExceptionReport {
  const message = messageOf(error);
  const match = /^Code: (\d+)\b/.exec(message);
  if (!match) return reportException(new EngineException("STD_EXCEPTION", message));
  const code = Number(match[1]);
  return { code, text: `${message.trimEnd()}\n`, status: statusByCode[code] ?? 500 };
}

/** As the server maps its codes; what is not listed is 500. */
const statusByCode: Readonly<Record<number, number>> = {
  ...each(400, [6, 25, 26, 27, 36, 38, 41, 43, 53, 62, 69, 70, 72, 108, 117, 130, 131, 167, 168, 190, 321, 456, 457]),
  ...each(401, [194]),
  ...each(403, [164, 192, 193, 516]),
  ...each(404, [16, 46, 47, 50, 56, 60, 63, 73, 78, 81, 115]),
  ...each(408, [159]),
  ...each(413, [175]),
  ...each(501, [48]),
  ...each(503, [202, 209, 236, 439]),
};

function each(status: number, codesOfStatus: readonly number[]): Record<number, number> {
  return Object.fromEntries(codesOfStatus.map((code) => [code, status]));
}
