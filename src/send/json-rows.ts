import { isUtf8 } from "node:buffer";
import { CommandError } from "../commands/rule-files.ts";
import { messageOf } from "../lib/errors.ts";
import { isObject } from "../lib/is-object.ts";
import { parseExact } from "./exact-number.ts";
import { linesOf, rowBytesMax, tooLong } from "./lines.ts";
import type { Row } from "./row.ts";

/** Rows of NDJSON: a line that can't be read is one row's mistake. Empty lines are passed over. */
export async function* ndjsonRows(file: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly Row[]> {
  let number = 0;
  for await (const lines of linesOf(file, pieces)) {
    const rows: Row[] = [];
    for (const { text, number: line, isBroken } of lines) {
      const bare = line === 1 && text.startsWith("\uFEFF") ? text.slice(1) : text;
      if (bare.trim() === "") continue;
      rows.push({ file, line, number: ++number, isBroken, ...parsed(bare) });
    }
    yield rows;
  }
}

/** Rows of JSON: one list of objects, or objects one behind the other; piece by piece, however long the list is. */
export async function* jsonRows(file: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly Row[]> {
  const splitter = new JsonSplitter(file);
  let number = 0;
  for await (const piece of pieces) {
    const rows = splitter
      .push(piece)
      .map(({ text, ...place }) => ({ file, ...place, number: ++number, ...parsed(text) }));
    if (rows.length > 0) yield rows;
  }
  const last = splitter.end();
  if (last === undefined) return;
  const { text, ...place } = last;
  yield [{ file, ...place, number: ++number, ...parsed(text) }];
}

function parsed(text: string): Pick<Row, "values"> | (Required<Pick<Row, "problem">> & { values: undefined }) {
  try {
    const value = parseExact(text);
    if (isObject(value)) return { values: value };
    return { values: undefined, problem: `is not an object: ${text.slice(0, 80)}` };
  } catch (error) {
    return { values: undefined, problem: `is not JSON: ${messageOf(error)}` };
  }
}

interface Found {
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
  readonly isBroken: boolean;
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
  #listBeganAt = 0;
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
    const place = `${this.#file}:${this.#line}`;
    if (this.#isInText || this.#depth > 0)
      throw new CommandError(`${place}: ends within what begins in line ${this.#beganAt}`);
    if (this.#isInList)
      throw new CommandError(
        `${place}: ends within the list that begins in line ${this.#listBeganAt}; was it cut off?`,
      );
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
    else if (byte === open && !this.#isInList) {
      this.#isInList = true;
      this.#listBeganAt = this.#line;
    } else return true;
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
    const bytes = Buffer.concat([...this.#begun, end]);
    this.#begun = [];
    this.#begunBytes = 0;
    this.#isInValue = false;
    this.#depth = 0;
    return { text: bytes.toString(), line: this.#beganAt, isBroken: !isUtf8(bytes) };
  }

  #keep(bytes: Buffer): void {
    this.#begun.push(bytes);
    this.#begunBytes += bytes.length;
    if (this.#begunBytes > rowBytesMax) throw tooLong(this.#file, this.#beganAt);
  }
}

const byteOrderMark = Buffer.from("\uFEFF");
const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9;
