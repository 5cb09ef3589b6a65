import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { openInput } from "./input.ts";

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `{"n":${from + at}}\n`).join("");

test("a packed file that others were appended to is read to its end", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "weir-input-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [ending, pack] of [
    ["gz", gzipSync],
    ["zst", zstdCompressSync],
  ] as const) {
    const path = join(folder, `rows.ndjson.${ending}`);
    await writeFile(path, Buffer.concat([pack(lines(0, 5000)), pack(""), pack(lines(5000, 5010))]));
    const { rows } = await openInput(path, {
      ...{
        format: "auto",
        delimiter: null,
        signal: new AbortController().signal,
        stdin: new PassThrough(),
        headed: () => {},
      },
    });
    const read = (await Array.fromAsync(rows)).flat().map(({ values }) => Number(values?.["n"]));
    assert.deepEqual(read, [...Array(5010).keys()], ending);
  }
});
