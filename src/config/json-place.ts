/**
 * Where JSON text goes wrong: line and column from 1, and what stands there. Only asked after `JSON.parse` has failed,
 * whose own messages name the place in some cases only.
 */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
  readonly found: string;
}

/** Some editors begin a file with a mark of its encoding. */
export const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "");

export function findJsonFault(text: string): JsonFault {
  const scan = { text, at: 0 };
  if (value(scan)) space(scan);
  const before = text.slice(0, scan.at).split("\n");
  const rest = text.slice(scan.at).split("\n", 1)[0] ?? "";
  const found =
    scan.at >= text.length
      ? "the end of the file"
      : rest === ""
        ? "the end of the line"
        : JSON.stringify(rest.slice(0, 20));
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, found };
}

interface Scan {
  readonly text: string;
  at: number;
}

const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
// oxlint-disable-next-line no-control-regex -- JSON forbids control characters in strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Each step answers whether it went well; `at` stays at the first thing that did not. */
function value(scan: Scan): boolean {
  space(scan);
  if (skip(scan, "{")) return members(scan, "}", () => key(scan) && value(scan));
  if (skip(scan, "[")) return members(scan, "]", () => value(scan));
  return take(scan, string) || take(scan, scalar);
}

function members(scan: Scan, close: string, member: () => boolean): boolean {
  space(scan);
  if (skip(scan, close)) return true;
  for (;;) {
    if (!member()) return false;
    space(scan);
    if (skip(scan, close)) return true;
    if (!skip(scan, ",")) return false;
    space(scan);
  }
}

function key(scan: Scan): boolean {
  space(scan);
  if (!take(scan, string)) return false;
  space(scan);
  return skip(scan, ":");
}

function space(scan: Scan): void {
  take(scan, /[ \t\r\n]*/y);
}

function skip(scan: Scan, character: string): boolean {
  if (scan.text[scan.at] !== character) return false;
  scan.at += 1;
  return true;
}

function take(scan: Scan, pattern: RegExp): boolean {
  pattern.lastIndex = scan.at;
  const match = pattern.exec(scan.text);
  if (!match) return false;
  scan.at += match[0].length;
  return true;
}
