import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { databasePath } from "./files.ts";
import type { AppendJob } from "./messages.ts";
import { openReaderFiles } from "./reader-files.ts";
import { LogReader } from "./reader.ts";
import { openWriterFiles } from "./writer-files.ts";
import { LogWriter } from "./writer.ts";

const root = mkdtempSync(join(tmpdir(), "weir-log-writer-"));
after(() => rmSync(root, { recursive: true, force: true }));

const job = (bytes: number): AppendJob => ({
  id: 1,
  count: 1,
  appendedAt: 0,
  length: bytes,
  body: new ArrayBuffer(bytes),
});

test("deletion goes in small steps, freed pages are used again, and a quiet moment shrinks the file", () => {
  const dir = mkdtempSync(join(root, "shrink-"));
  const writer = new LogWriter(openWriterFiles(dir, 1 << 30));
  for (let i = 0; i < 20; i++) writer.write([job(4 << 20)]);
  writer.trimTo(19);
  let steps = 0;
  for (; writer.hasTrimWork; steps++) writer.write([]);
  assert.ok(steps >= 10, `${steps} steps`);
  for (let i = 0; i < 10; i++) writer.write([job(4 << 20)]);
  writer.checkpointed(1 << 30);
  const full = statSync(databasePath(dir)).size;
  assert.ok(full < 90 << 20, `${full} bytes`);
  writer.trimTo(writer.mark.next);
  while (writer.hasTrimWork) writer.write([]);
  assert.deepEqual(writer.mark, { base: 30, next: 30, committed: 30, bytes: 0 });
  writer.tidy();
  assert.ok(statSync(databasePath(dir)).size < 1 << 20);
  assert.equal(writer.write([job(10)])[0]!.first, 30);
  writer.close();
});

test("a full file refuses all of a transaction, and deletion makes room again", () => {
  const dir = mkdtempSync(join(root, "full-"));
  const writer = new LogWriter(openWriterFiles(dir, 1 << 20));
  writer.write([job(600_000)]);
  assert.throws(() => writer.write([job(10), job(600_000)]), { errcode: 13 });
  assert.equal(writer.mark.next, 1);
  writer.trimTo(1);
  writer.write([]);
  assert.equal(writer.write([job(600_000)])[0]!.first, 1);
  writer.close();
});

test("the reader sees what was written before, beside the writer, and nothing of an empty log", () => {
  const dir = mkdtempSync(join(root, "read-"));
  const writer = new LogWriter(openWriterFiles(dir, 1 << 30));
  const reader = new LogReader(openReaderFiles(dir));
  const query = { from: 0, end: 5, bytesMax: 100, eventsMax: 100 };
  assert.deepEqual(reader.read(query), []);
  for (let i = 0; i < 5; i++) writer.write([job(40)]);
  assert.deepEqual(
    reader.read(query).map(({ first }) => first),
    [0, 1, 2],
  );
  assert.deepEqual(
    reader.read({ ...query, from: 4 }).map(({ first }) => first),
    [4],
  );
  assert.deepEqual(reader.read({ ...query, from: 5 }), []);
  assert.deepEqual(
    reader.read({ ...query, from: 1, end: 3 }).map(({ first }) => first),
    [1, 2],
  );
  reader.close();
  writer.close();
});
