import assert from "node:assert/strict";
import { test } from "node:test";
import { comparable, execute, steps } from "./session.ts";

const document = [
  "text",
  "```console",
  "$ echo one \\",
  "  two",
  "one two",
  "$ echo x",
  "x",
  "```",
  "```sh",
  "$ echo not this",
  "```",
].join("\n");

test("finds the commands of console blocks with what they print", () => {
  assert.deepEqual(steps(document), [
    { command: "echo one \\\n  two", printed: "one two\n", line: 3 },
    { command: "echo x", printed: "x\n", line: 6 },
  ]);
});

test("runs them at the real address", async () => {
  assert.equal(await execute("printf %s localhost:8000/x", { "localhost:8000": "127.0.0.1:1" }), "127.0.0.1:1/x\n");
});

test("sees a wrong value behind a changed token and time", () => {
  const told = '{"token":"a","created_at":"2025-06-01T12:00:00Z","window_start":"2025-06-01T10:00:00Z","value":1}';
  const same = '{"token":"b","created_at":"2026-07-02T13:00:00.123Z","window_start":"2025-06-01T10:00:00Z","value":1}';
  assert.equal(comparable(told), comparable(same));
  assert.notEqual(comparable(told), comparable(same.replace('"value":1', '"value":2')));
  assert.notEqual(comparable(told), comparable(same.replace("10:00", "10:10")));
});
