/**
 * ClickHouse's SQL in tokens, as far as is needed to tell code from strings and comments. Where it can't be sure it says
 * so (`closed: false`), and the caller refuses. The engine test compares its idea of comments and quotes with the engine's.
 */
export interface Token {
  /** `word`: a bare word or number; `name`: a quoted identifier; `string`: a literal; `sign`: any other character. */
  readonly kind: "word" | "name" | "string" | "sign";
  /** The text without quotes; escapes are left as they are. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Lexed {
  readonly tokens: readonly Token[];
  /** False when a quote or comment is not closed. */
  readonly closed: boolean;
}

/** Splits from `from` on; stops early, right behind the first token for which `until` holds. */
export function lex(sql: string, from = 0, until?: (tokens: readonly Token[]) => boolean): Lexed {
  const tokens: Token[] = [];
  let at = from;
  while (at < sql.length) {
    const gap = skipGap(sql, at);
    if (gap < 0) return { tokens, closed: false };
    if (gap >= sql.length) break;
    const token = readToken(sql, gap);
    if (token === null) return { tokens, closed: false };
    tokens.push(token);
    at = token.end;
    if (until?.(tokens)) break;
  }
  return { tokens, closed: true };
}

/** The position behind white space and comments, or -1 when a comment does not end. */
function skipGap(sql: string, from: number): number {
  let at = from;
  for (;;) {
    while (at < sql.length && /\s/.test(sql[at] ?? "")) at++;
    const two = sql.slice(at, at + 2);
    if (two === "--" || two === "//" || two === "# " || two === "#!") at = lineEnd(sql, at);
    else if (two === "/*") at = commentEnd(sql, at);
    else return at;
    if (at < 0) return -1;
  }
}

function lineEnd(sql: string, from: number): number {
  const end = sql.indexOf("\n", from);
  return end < 0 ? sql.length : end + 1;
}

/** Comments nest. */
function commentEnd(sql: string, from: number): number {
  let depth = 0;
  const edge = /\/\*|\*\//g;
  edge.lastIndex = from;
  for (let match = edge.exec(sql); match !== null; match = edge.exec(sql)) {
    depth += match[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return -1;
}

function readToken(sql: string, start: number): Token | null {
  const first = sql[start] ?? "";
  const quote = quotes[first];
  if (quote) return readQuoted(sql, start, quote);
  if (first === "$") {
    const read = readHeredoc(sql, start);
    return read === undefined ? sign(sql, start) : read;
  }
  word.lastIndex = start;
  const match = word.exec(sql);
  if (match) return { kind: "word", text: match[0], start, end: word.lastIndex };
  return sign(sql, start);
}

const word = /[A-Za-z0-9_][A-Za-z0-9_$]*/y;

const quotes: Readonly<Record<string, { close: string; kind: "name" | "string"; escapes: boolean }>> = {
  "'": { close: "'", kind: "string", escapes: true },
  '"': { close: '"', kind: "name", escapes: true },
  "`": { close: "`", kind: "name", escapes: true },
  "\u2018": { close: "\u2019", kind: "string", escapes: false },
  "\u201c": { close: "\u201d", kind: "name", escapes: false },
};

/** A backslash takes the next character with it; a doubled quote stands for one. */
function readQuoted(
  sql: string,
  start: number,
  quote: { close: string; kind: "name" | "string"; escapes: boolean },
): Token | null {
  for (let at = start + 1; at < sql.length; at++) {
    const c = sql[at];
    if (quote.escapes && c === "\\") at++;
    else if (c === quote.close) {
      if (!quote.escapes || sql[at + 1] !== c) {
        return { kind: quote.kind, text: sql.slice(start + 1, at), start, end: at + 1 };
      }
      at++;
    }
  }
  return null;
}

function readHeredoc(sql: string, start: number): Token | null | undefined {
  heredoc.lastIndex = start;
  const tag = heredoc.exec(sql)?.[0];
  if (tag === undefined) return undefined;
  const close = sql.indexOf(tag, start + tag.length);
  if (close < 0) return null;
  return { kind: "string", text: sql.slice(start + tag.length, close), start, end: close + tag.length };
}

const heredoc = /\$[A-Za-z0-9_]*\$/y;

function sign(sql: string, start: number): Token {
  return { kind: "sign", text: sql[start] ?? "", start, end: start + 1 };
}
