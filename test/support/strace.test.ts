import assert from "node:assert/strict";
import { test } from "node:test";
import { readTrace } from "./strace.ts";

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
