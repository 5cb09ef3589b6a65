import assert from "node:assert/strict";
import type { Readable } from "node:stream";

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
