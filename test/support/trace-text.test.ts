import assert from "node:assert/strict";
import { test } from "node:test";
import { readTrace } from "./trace-text.ts";

const calls = `7 openat(AT_FDCWD</d>, "/d/a", O_RDONLY) = 3</d/a>
8 openat(AT_FDCWD</d>, "/d/b", O_RDONLY <unfinished ...>
7 pwrite64(3</d/a>, ""..., 12, 0) = 12
8 <... openat resumed>) = 4</d/b>
8 openat(AT_FDCWD</d>, "/d/c", O_RDONLY) = ?
`;

test("a trace is read as the calls of all threads, and who came first to the nth", () => {
  const { counts, killedAt } = readTrace(calls);
  const { all, reached } = counts.get("openat")!;
  assert.equal(all, 3);
  assert.deepEqual(
    reached.map((line) => /"(.*)"/.exec(line)?.[1]),
    ["/d/a", "/d/c"],
  );
  assert.equal(killedAt, undefined);
});

test("a kill is at a call only when a thread has come to it and the process was killed", () => {
  const killed = `${calls}7 +++ killed by SIGKILL +++\n`;
  assert.match(readTrace(killed, { call: "openat", nth: 2 }).killedAt ?? "", /"\/d\/c"/);
  assert.equal(readTrace(calls, { call: "openat", nth: 2 }).killedAt, undefined);
  assert.equal(readTrace(killed, { call: "openat", nth: 3 }).killedAt, undefined);
});

const syncs = `7 1700000000.250000 fdatasync(3</d/a>) = 0
8 1700000000.500000 fdatasync(4</d/b> <unfinished ...>
7 1700000001.000000 fsync(3</d/a>) = -1 EIO (Input/output error) (INJECTED)
8 1700000001.500000 <... fdatasync resumed>) = 0 (DELAYED)
8 1700000002.000000 fdatasync(4</d/b> <unfinished ...>
8 1700000002.500000 +++ killed by SIGKILL +++
`;

test("of each call is known when it began, and whether it succeeded, failed or was never answered", () => {
  const { counts, made } = readTrace(syncs);
  assert.equal(counts.get("fdatasync")!.all, 3);
  const facts = made.map(({ thread, at, succeeded, refused }) => [thread, at - 1.7e12, succeeded, refused]);
  assert.deepEqual(facts, [
    ["7", 250, true, false],
    ["8", 500, true, false],
    ["7", 1000, false, true],
    ["8", 2000, false, false],
  ]);
});
