import { EngineException } from "./exception.ts";
import { lex, type Token } from "./lexer.ts";

/** What a request asks for, found out from its text alone. */
export type Statement =
  | { readonly kind: "read" | "change"; readonly text: string; readonly format: string | null }
  | InsertStatement
  | {
      readonly kind: "kill";
      readonly text: string;
      readonly ids: readonly QueryIdTerm[];
      readonly format: string | null;
    };

/** An insert whose rows come as data, not from a SELECT. */
export interface InsertStatement {
  readonly kind: "insert";
  /** Up to and with the table and its columns; of a SELECT from `input`, up to its end. */
  readonly target: string;
  /** Where `input('…')` stands in `target`, and the literal in it; null when the data are rows of the table itself. */
  readonly input: { readonly start: number; readonly end: number; readonly structure: string } | null;
  /** `SETTINGS …`, or nothing. */
  readonly settings: string;
  readonly format: string;
  /** Where the data starts in the text; the length of the text when there is none in it. */
  readonly dataAt: number;
}

/** A query id in a KILL: written out, or the name of a bound parameter. */
export type QueryIdTerm = { readonly value: string } | { readonly parameter: string };

/**
 * Reads a statement. Throws a SYNTAX_ERROR for what can't be told apart safely: an open quote, a NUL, or several
 * statements in one text (the server refuses those over HTTP as well); and INTO_OUTFILE_NOT_ALLOWED.
 */
export function readStatement(text: string): Statement {
  if (text.includes("\0")) throw new EngineException("SYNTAX_ERROR", "Syntax error: a statement can't hold a NUL");
  if (firstWord(text) === "INSERT") {
    const insert = readInsert(text);
    if (insert) return insert;
  }
  const tokens = single(text);
  // Over HTTP a server writes no file for anybody. A column may have the name.
  if (tokens.some((token, at) => keyword(token) === "OUTFILE" && keyword(tokens[at - 1]) === "INTO"))
    throw new EngineException("INTO_OUTFILE_NOT_ALLOWED", "INTO OUTFILE is not allowed");
  const first = keyword(tokens.find((token) => token.text !== "("));
  const format = formatOf(tokens);
  if (first === "KILL" && keyword(tokens[1]) === "QUERY") return { kind: "kill", text, ids: killedIds(tokens), format };
  const reads = readingKeywords.has(first) && !tokens.some((token) => changes(token));
  return { kind: reads ? "read" : "change", text, format };
}

/** Tokens of the only statement of the text, without the semicolons at its end. */
export function single(text: string): readonly Token[] {
  const { tokens, closed } = lex(text);
  if (!closed) throw new EngineException("SYNTAX_ERROR", "Syntax error: a quote or comment is not closed");
  let last = tokens.length;
  while (last > 0 && isSign(tokens[last - 1], ";")) last--;
  const statement = tokens.slice(0, last);
  if (statement.some((token) => isSign(token, ";"))) {
    throw new EngineException("SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)");
  }
  if (statement.length === 0) throw new EngineException("SYNTAX_ERROR", "Syntax error: Empty query");
  return statement;
}

export function keyword(token: Token | undefined): string {
  return token?.kind === "word" ? token.text.toUpperCase() : "";
}

export function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === "sign" && token.text === text;
}

const readingKeywords = new Set(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "VALUES", "FROM"]);

const changes = (token: Token): boolean => keyword(token) === "INSERT";

function firstWord(text: string): string {
  return keyword(lex(text, 0, () => true).tokens[0]);
}

/**
 * `INSERT INTO t (a, b) SETTINGS … FORMAT X data`, `… VALUES data`, or `… SELECT … FROM input('…') … FORMAT X data`; null when the rows come from a SELECT or a file.
 * What follows the format is data: it is not read as SQL.
 */
function readInsert(text: string): InsertStatement | null {
  let depth = 0;
  let settingsAt = -1;
  let end: "format" | "values" | "other" | null = null;
  let input: InsertStatement["input"] = null;
  const { tokens } = lex(text, 0, (all) => {
    const token = all[all.length - 1];
    if (isSign(token, "(")) depth++;
    if (isSign(token, ")")) depth--;
    if (depth > 0) return false;
    const word = keyword(token);
    input ??= inputOf(text, all);
    if (keyword(all[all.length - 2]) === "FORMAT" && all.length > 3) end = "format";
    else if (word === "VALUES" && all.length > 2) end = "values";
    else if (word === "SELECT" && readsInput.test(text)) return false;
    else if (["SELECT", "WITH", "INFILE", "WATCH"].includes(word) || isSign(token, ";")) end = "other";
    else if (word === "SETTINGS" && settingsAt < 0 && all.length > 3) settingsAt = token?.start ?? -1;
    return end !== null;
  });
  const last = tokens[tokens.length - 1];
  if (last === undefined || end === null || end === "other") return null;
  const formatAt = end === "values" ? last.start : (tokens[tokens.length - 2]?.start ?? last.start);
  const targetEnd = settingsAt < 0 ? formatAt : settingsAt;
  return {
    kind: "insert",
    target: text.slice(0, targetEnd),
    input,
    settings: text.slice(targetEnd, formatAt),
    format: end === "values" ? "Values" : last.text,
    dataAt: dataStart(text, last.end),
  };
}

const readsInput = /\bFROM\s+input\s*\(/i;

/** `input('structure')`, of which the closing bracket is the last token. */
function inputOf(text: string, tokens: readonly Token[]): InsertStatement["input"] {
  const [from, name, open, literal, close] = tokens.slice(-5);
  const isCall =
    keyword(from) === "FROM" && keyword(name) === "INPUT" && isSign(open, "(") && literal?.kind === "string";
  if (!isCall || !isSign(close, ")")) return null;
  return { start: name!.start, end: close!.end, structure: text.slice(literal.start, literal.end) };
}

/** Behind the format: blanks, one line end, or a semicolon, do not belong to the data. */
function dataStart(text: string, from: number): number {
  const gap = /[ \t\r]*;?[ \t\r]*\n?/y;
  gap.lastIndex = from;
  gap.exec(text);
  return gap.lastIndex;
}

function formatOf(tokens: readonly Token[]): string | null {
  const at = tokens.findLastIndex((token) => keyword(token) === "FORMAT");
  const name = tokens[at + 1];
  const isClause =
    at > 0 && name?.kind === "word" && (at + 2 === tokens.length || keyword(tokens[at + 2]) === "SETTINGS");
  return isClause ? name.text : null;
}

/** `KILL QUERY WHERE query_id = … | query_id IN (…) [SYNC | ASYNC]`; no other condition is understood. */
function killedIds(tokens: readonly Token[]): readonly QueryIdTerm[] {
  const format = tokens.findIndex((token) => keyword(token) === "FORMAT");
  const terms = tokens
    .slice(2, format < 0 ? undefined : format)
    .filter((token) => !["SYNC", "ASYNC"].includes(keyword(token)));
  const known =
    keyword(terms[0]) === "WHERE" &&
    terms[1]?.text === "query_id" &&
    (isSign(terms[2], "=") || keyword(terms[2]) === "IN");
  if (!known)
    throw new EngineException("NOT_IMPLEMENTED", "KILL QUERY is understood as: KILL QUERY WHERE query_id = '…' SYNC");
  const values = terms.slice(3);
  return values.flatMap((token, at): QueryIdTerm[] => {
    if (token.kind === "string") return [{ value: unescapeString(token.text) }];
    if (isSign(values[at - 1], "{")) return [{ parameter: token.text }];
    return [];
  });
}

/** The value of a literal's inside. */
export function unescapeString(text: string): string {
  const named: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", b: "\b", f: "\f" };
  return text.replace(/\\([\s\S])|''/g, (_, c: string | undefined) => (c === undefined ? "'" : (named[c] ?? c)));
}
