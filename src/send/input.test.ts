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

/** The rows of what is called `path`; what is on the standard input comes in these pieces. */
async function rowsOf(path: string, ...input: readonly string[]): Promise<(Row["values"] | string)[]> {
  const stdin = PassThrough.from(input.map((piece) => Buffer.from(piece)));
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

test("a row that was torn at a comma takes none behind it along", async () => {
  for (const torn of ['{"a":1,', "{", '{"a":{']) {
    const [broken, ...good] = await rowsOf("-", `${torn}\n{"b":2}\n{"b":3}\n`);
    assert.match(JSON.stringify(broken), /^"is not JSON/);
    assert.deepEqual(good, [{ b: 2 }, { b: 3 }], torn);
  }
  for (const list of ['{"a":[\n{"b":1}]}\n', '{"a":[{"b":1},\n{"b":2}]}\n'])
    assert.deepEqual(await rowsOf("-", list), [JSON.parse(list)], "a list goes on with an object");
});

test("what the standard input is does not depend on the pieces in which it comes", async () => {
  const [pretty, plain] = [JSON.stringify({ a: { b: 1 } }, undefined, 2), '{"a":{"b":1}}\n{"a":{"b":1}}'];
  assert.deepEqual(await rowsOf("-", ...pretty), [{ a: { b: 1 } }]);
  assert.deepEqual(await rowsOf("-", ...plain), [{ a: { b: 1 } }, { a: { b: 1 } }]);
  assert.deepEqual(await rowsOf("-", ..."\n [{}]"), [{}]);
  assert.deepEqual(await rowsOf("-", "{}"), [{}]);
  assert.deepEqual(await rowsOf("-"), []);
  await assert.rejects(rowsOf("-", ..."a,b\n1,2\n"), /does not begin as JSON/);
  await assert.rejects(rowsOf("-", ..."a"), /does not begin as JSON/);
});

test("what a name ends in may be written in capitals", async (context) => {
  const path = join(await folderOf(context), "D.TSV");
  await writeFile(path, "a\tb\n1,5\t2\n");
  assert.deepEqual(await rowsOf(path), [{ a: "1,5", b: "2" }]);
});
