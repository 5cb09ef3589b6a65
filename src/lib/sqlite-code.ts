/** SQLite's extended result code, 0 when the error is not SQLite's. */
export function sqliteCode(error: unknown): number {
  if (!(error instanceof Error) || !("errcode" in error)) return 0;
  return typeof error.errcode === "number" ? error.errcode : 0;
}

const full = 13;

/** There was no room: of what was to be written nothing is kept. */
export const isDiskFull = (error: unknown): boolean => (sqliteCode(error) & 0xff) === full;
