import assert from "node:assert/strict";
import type { Readable } from "node:stream";

/** Keys of payloads that mean something to SQL, to the engine, to JSON or to CSV. */
export const hostileKeys = [
  "a`b",
  "a\\",
  'a"b',
  "a'b",
  "a\\`, (SELECT 1) AS `b",
  "x; DROP TABLE rollups; --",
  "{series:UInt32}",
  "a\nb\tc\r\u0000d",
  "a.b",
  "/* a",
  "ключ",
  "\u{1f642}\u202e",
  "FORMAT Null",
  "$$",
  "%d,=1+1",
  "w.value",
  "value",
];
/** Texts that mean something to one of them, or are hard to carry. */
export const hostileValues = [
  "",
  " ",
  '"',
  ",",
  'a","b',
  "a\r\nb\tc",
  "\\N",
  "NULL",
  "null",
  "'",
  "`",
  "\\",
  "\\'; DROP TABLE rollups",
  "=1+1",
  "\u0000",
  "\u0001\u001f\u007f",
  "é e\u0301 \u{1f642} \u202e \u2028",
  "7",
  "true",
  "x".repeat(3000),
];

/** What a file of windows says. */
export interface Table {
  readonly names: readonly string[];
  readonly rows: readonly unknown[][];
}

export async function text(stream: Readable): Promise<string> {
  return (await bytes(stream)).toString("utf8");
}

export async function bytes(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function ndjson(lines: string): Table {
  assert.ok(lines === "" || lines.endsWith("\n"));
  const objects = lines
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { names: Object.keys(objects[0] ?? {}), rows: objects.map((object) => Object.values(object)) };
}

/** Fields in quotes are texts; of the others nothing is null, and the rest JSON. */
export function csv(body: string): Table {
  const lines: unknown[][] = [];
  let line: unknown[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n)/y;
  for (let match = field.exec(body); match !== null; match = field.exec(body)) {
    const [, quoted, bare = "", end] = match;
    line.push(quoted === undefined ? JSON.parse(bare === "" ? "null" : bare) : quoted.replaceAll('""', '"'));
    if (end === "\n") line = (lines.push(line), []);
    if (field.lastIndex === body.length) break;
  }
  const [names = [], ...rows] = lines;
  return { names: names as string[], rows };
}
