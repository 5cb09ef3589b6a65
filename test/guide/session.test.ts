import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { comparable, differences, execute, executeAll, steps } from "./session.ts";

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

const page = [
  "# A page",
  "```console",
  "$ twice() { echo $1 $1; }",
  "$ twice a",
  "a a",
  "$ twice localhost:8001 | tr : -",
  "localhost-8001 localhost-8001",
  "```",
].join("\n");

test("a function stays for the commands behind it, and prints nothing itself", async () => {
  const session = steps(page);
  const seen: number[] = [];
  const printed = await executeAll(session, {}, async ({ line }) => void seen.push(line));
  assert.deepEqual(printed, ["", "a a\n", "localhost-8001 localhost-8001\n"]);
  assert.deepEqual(differences("docs/page.md", session, printed), []);
  assert.deepEqual(seen, [3, 4, 6]);
});

test("a page that says something else fails with its line and both texts", async () => {
  const wrong = steps(page.replace("a a", "a b"));
  const [found, ...others] = differences("docs/page.md", wrong, await executeAll(wrong, {}));
  assert.equal(found, "docs/page.md:4: twice a\n  the page says\na b\n  it prints\na a\n");
  assert.deepEqual(others, []);
});

test("a page that lacks an output, or has one too many, fails", async () => {
  for (const changed of [page.replace("a a\n", ""), page.replace("a a", "a a\nb")]) {
    const session = steps(changed);
    assert.equal(differences("p.md", session, await executeAll(session, {})).length, 1, changed);
  }
});

test("a count that is not told yet is asked for again", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "weir-session-"));
  t.after(() => rm(folder, { recursive: true }));
  const session = ["null", ""].map((untold, index) => {
    const file = join(folder, `answer-${index}`);
    const command = `cat ${file} || echo '"skipped":${untold}'; echo '"skipped":2' > ${file}`;
    return { command, printed: '"skipped":2\n', line: index };
  });
  assert.deepEqual(differences("p.md", session, await executeAll(session, {})), []);
});
