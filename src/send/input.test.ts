import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { openInput } from "./input.ts";
import type { Row } from "./row.ts";

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `{"n":${from + at}}\n`).join("");

/** The rows of what is called `path`. */
async function rowsOf(path: string, input = ""): Promise<(Row["values"] | string)[]> {
  const stdin = new PassThrough();
  stdin.end(input);
  const options = { format: "auto", delimiter: null, signal: new AbortController().signal, headed: () => {} } as const;
  const { rows } = await openInput(path, { ...options, stdin });
  return (await Array.fromAsync(rows)).flat().map(({ values, problem }) => values ?? problem ?? "");
}

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "weir-input-test-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("a packed file that others were appended to is read to its end", async (context) => {
  const folder = await folderOf(context);
  for (const [ending, pack] of [
    ["gz", gzipSync],
    ["zst", zstdCompressSync],
  ] as const) {
    const path = join(folder, `rows.ndjson.${ending}`);
    await writeFile(path, Buffer.concat([pack(lines(0, 5000)), pack(""), pack(lines(5000, 5010))]));
    const read = (await rowsOf(path)).map((values) => (values as { n: number }).n);
    assert.deepEqual(read, [...Array(5010).keys()], ending);
  }
});

test("objects of several lines on the standard input are JSON, those of one are NDJSON", async () => {
  const rows = [{ a: 1, b: { c: [2] } }, { a: 3 }];
  for (const indent of [undefined, 2, "\t"])
    assert.deepEqual(
      await rowsOf("-", rows.map((row) => `${JSON.stringify(row, undefined, indent)}\n`).join("")),
      rows,
    );
  assert.deepEqual(await rowsOf("-", '{"a":1,\r\n"b":2}\r\n'), [{ a: 1, b: 2 }]);
  const [broken, good] = await rowsOf("-", '{"a":}\n{"b":2}\n');
  assert.match(JSON.stringify(broken), /^"is not JSON/);
  assert.deepEqual(good, { b: 2 }, "a line that is wrong costs no other");
});

test("what a name ends in may be written in capitals", async (context) => {
  const path = join(await folderOf(context), "D.TSV");
  await writeFile(path, "a\tb\n1,5\t2\n");
  assert.deepEqual(await rowsOf(path), [{ a: "1,5", b: "2" }]);
});
