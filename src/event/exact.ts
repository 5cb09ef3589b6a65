import { shortened } from "./shortened.ts";

/*
 * `JSON.parse` turns 9007199254740993 into 9007199254740992, and `JSON.stringify` writes 1e20 as an integer of 21 digits, which
 * the engine's parser refuses together with the whole document. So a text that holds numbers of 2^53 or more is parsed a second
 * time, with these numbers replaced by marked texts, and the marks are taken away from the canonical text. A mark begins with a
 * lone surrogate, which no accepted text holds: no user's text can be taken for one.
 */
const keep = "\\ud800";
const refuse = "\\ud801";
const kept = /"\\ud800([^"]*)"/g;
const refused = /"\\ud801([^"]*)"/;

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

export type ExactText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly number: unknown };

/** The same JSON text with numbers of 2^53 or more as marked texts. `json` must be valid JSON. */
export function markNumbers(json: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (let at = 0; at < json.length;) {
    const code = json.charCodeAt(at);
    if (code === quote) at = behindString(json, at);
    else if (code === minus || isDigit(code)) {
      const end = behindNumber(json, at);
      const marked = mark(json.slice(at, end));
      if (marked !== undefined) {
        pieces.push(json.slice(from, at), marked);
        from = end;
      }
      at = end;
    } else at += 1;
  }
  return pieces.length === 0 ? json : pieces.join("") + json.slice(from);
}

/**
 * Takes the marks out of canonical text: integers within 64 bits keep their digits, other large numbers are written with an exponent
 * (`1.2345678901234568e+20`), never as an integer. Not ok: an integer beyond 64 bits.
 */
export function unmarkNumbers(canonical: string): ExactText {
  const beyond = refused.exec(canonical);
  if (beyond) return { ok: false, number: shortened(beyond[1]) };
  return { ok: true, text: canonical.replace(kept, "$1") };
}

/** Where in a marked value the first integer beyond 64 bits is, as the keys and indexes that lead to it; undefined: it has none. */
export function placeBeyond(marked: unknown): (string | number)[] | undefined {
  if (typeof marked === "string") return marked.startsWith("\ud801") && !marked.isWellFormed() ? [] : undefined;
  if (typeof marked !== "object" || marked === null) return undefined;
  for (const [key, value] of Object.entries(marked)) {
    const below = placeBeyond(value);
    if (below) return [Array.isArray(marked) ? Number(key) : key, ...below];
  }
  return undefined;
}

const quote = 34;
const backslash = 92;
const minus = 45;

function mark(token: string): string | undefined {
  const value = Number(token);
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return undefined;
  if (!/^-?\d+$/.test(token)) return `"${keep}${value.toExponential()}"`;
  // Twenty characters hold every 64-bit integer; the bound keeps a long run of digits from becoming a huge number.
  if (token.length > 20) return `"${refuse}${token.slice(0, 200)}"`;
  const integer = BigInt(token);
  return integer >= int64Min && integer <= int64Max ? `"${keep}${token}"` : `"${refuse}${token}"`;
}

function behindString(json: string, start: number): number {
  let at = start + 1;
  for (; json.charCodeAt(at) !== quote && at < json.length; at++) if (json.charCodeAt(at) === backslash) at += 1;
  return at + 1;
}

function behindNumber(json: string, start: number): number {
  let at = start + 1;
  while (isNumberPart(json.charCodeAt(at))) at += 1;
  return at;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Digits, `.`, `e`, `E`, `+`, `-`. */
function isNumberPart(code: number): boolean {
  return isDigit(code) || code === 46 || code === 101 || code === 69 || code === 43 || code === minus;
}
