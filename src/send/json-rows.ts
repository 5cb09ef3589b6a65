import { CommandError } from "../commands/rule-files.ts";
import { linesOf, rowBytesMax, tooLong } from "./lines.ts";
import type { Row } from "./row.ts";

const notUtf8 = "is not UTF-8; iconv -f latin1 -t utf8 makes it so, if it is Latin 1";

/** Rows of NDJSON: a line that can't be read is one row's mistake. Empty lines are passed over. */
export async function* ndjsonRows(file: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly Row[]> {
  let number = 0;
  for await (const lines of linesOf(file, pieces)) {
    const rows: Row[] = [];
    for (const { text, number: line, isBroken } of lines) {
      const bare = line === 1 && text.startsWith("\uFEFF") ? text.slice(1) : text;
      if (bare.trim() === "") continue;
      const place = { file, line, number: ++number };
      rows.push(isBroken ? { ...place, values: undefined, problem: notUtf8 } : { ...place, ...parsed(bare) });
    }
    yield rows;
  }
}

/** Rows of JSON: one list of objects, or objects one behind the other; piece by piece, however long the list is. */
export async function* jsonRows(file: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly Row[]> {
  const splitter = new JsonSplitter(file);
  let number = 0;
  for await (const piece of pieces) {
    const rows = splitter.push(piece).map(({ text, line }) => ({ file, line, number: ++number, ...parsed(text) }));
    if (rows.length > 0) yield rows;
  }
  const last = splitter.end();
  if (last !== undefined) yield [{ file, line: last.line, number: ++number, ...parsed(last.text) }];
}

const longNumber = /\d{16}/;

/** Numbers that JavaScript would round are kept as they stand. */
const asItStands = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === "number" && source !== undefined && /^-?\d{16,}$/.test(source) ? rawJson(source) : value;

/** Of ECMAScript's JSON.parse source text access, which Node has. */
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

function parsed(text: string): Pick<Row, "values"> | (Required<Pick<Row, "problem">> & { values: undefined }) {
  try {
    const value: unknown = longNumber.test(text)
      ? JSON.parse(text, asItStands as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { values: value as Record<string, unknown> };
    return { values: undefined, problem: `is not an object: ${text.slice(0, 80)}` };
  } catch (error) {
    return { values: undefined, problem: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

interface Found {
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

const [quote, backslash, newline, comma, open, close, openObject, closeObject] = Buffer.from('"\\\n,[]{}');

/** Finds the values of a list, or those that stand one behind the other, without reading what is in them. */
class JsonSplitter {
  readonly #file: string;
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #line = 1;
  #beganAt = 0;
  #depth = 0;
  #isInList = false;
  #isInValue = false;
  #isInText = false;
  #isEscaped = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws CommandError for a value that is too long. */
  push(piece: Buffer): Found[] {
    const found: Found[] = [];
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at]!;
      if (byte === newline) this.#line += 1;
      if (this.#isInText) this.#inText(byte);
      else if (this.#isInValue) {
        // What ends a number or a word stands behind it.
        const isBehind = this.#depth === 0 && (isSpace(byte) || byte === comma || byte === close);
        if (!isBehind) this.#inValue(byte);
        if (!this.#isInValue || isBehind) {
          found.push(this.#take(piece.subarray(from, isBehind ? at : at + 1)));
          if (isBehind && byte === close) this.#isInList = false;
        }
      } else if (this.#begins(byte)) {
        from = at;
        this.#isInValue = true;
        this.#beganAt = this.#line;
        this.#inValue(byte);
      }
    }
    if (this.#isInValue) this.#keep(piece.subarray(from));
    return found;
  }

  /** A number or word that nothing follows. @throws CommandError when it ends within something. */
  end(): Found | undefined {
    if (this.#isInText || this.#depth > 0)
      throw new CommandError(`${this.#file}:${this.#line}: ends within what begins in line ${this.#beganAt}`);
    return this.#isInValue ? this.#take(Buffer.alloc(0)) : undefined;
  }

  #begins(byte: number): boolean {
    if (
      isSpace(byte) ||
      byte === comma ||
      byte === byteOrderMark[0] ||
      byte === byteOrderMark[1] ||
      byte === byteOrderMark[2]
    )
      return false;
    if (byte === close) this.#isInList = false;
    else if (byte === open && !this.#isInList) this.#isInList = true;
    else return true;
    return false;
  }

  #inValue(byte: number): void {
    if (byte === quote) this.#isInText = true;
    else if (byte === open || byte === openObject) this.#depth += 1;
    else if (byte === close || byte === closeObject) {
      this.#depth -= 1;
      if (this.#depth <= 0) this.#isInValue = false;
    }
  }

  #inText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInText = false;
  }

  #take(end: Buffer): Found {
    const text = Buffer.concat([...this.#begun, end]).toString();
    this.#begun = [];
    this.#begunBytes = 0;
    this.#isInValue = false;
    this.#depth = 0;
    return { text, line: this.#beganAt };
  }

  #keep(bytes: Buffer): void {
    this.#begun.push(bytes);
    this.#begunBytes += bytes.length;
    if (this.#begunBytes > rowBytesMax) throw tooLong(this.#file, this.#beganAt);
  }
}

const byteOrderMark = Buffer.from("\uFEFF");
const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9;
