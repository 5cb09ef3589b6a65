import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyMeta } from "./files.ts";
import { openWriterLoop } from "./writer-loop.ts";
import { LogWriter } from "./writer.ts";
import type { WriterFiles } from "./writer-files.ts";

/** Files of an empty log, of which the last sync can fail. */
function filesThat(sync: () => void, commit = (): void => {}): WriterFiles {
  const nothing = (): void => {};
  return {
    ...{ place: "nowhere", meta: () => emptyMeta, oldest: () => undefined, bytes: () => 0, shrink: () => true },
    ...{ makeDurable: nothing, begin: nothing, insert: nothing, remove: nothing, saveMeta: nothing },
    ...{ commit, rollBack: nothing, checkpoint: nothing, close: nothing },
    witness: { write: nothing, sync, close: nothing },
  };
}

test("what fails at the close is told before nobody listens any more", () => {
  let fails = false;
  const files = filesThat(() => {
    if (fails) throw new Error("EIO");
  });
  const told: string[] = [];
  const loop = openWriterLoop(() => new LogWriter(files), "nowhere", {
    next: () => undefined,
    tell: (message) => told.push(message.kind === "failed" ? message.fault.message : message.kind),
    later: () => () => {},
    close: () => told.push("nobody listens"),
  });
  loop?.take({ kind: "append", job: { id: 1, count: 1, appendedAt: 0, length: 1, body: new ArrayBuffer(1) } });
  fails = true;
  loop?.take({ kind: "close" });
  assert.deepEqual(told, ["ready", "done", "closing failed in nowhere: EIO", "nobody listens"]);
});

test("a deletion that a full disk has refused is tried again, though nobody asks; one whose commit failed is not", () => {
  for (const [errcode, isTried] of [
    [13, true],
    [1034, false],
  ] as const) {
    const failure = Object.assign(new Error("no"), { errcode });
    let [commits, fails] = [0, false];
    const commit = (): void => {
      commits += 1;
      if (fails) throw failure;
    };
    const planned: (() => void)[] = [];
    const later = (_ms: number, run: () => void): (() => void) => (planned.push(run), () => {});
    const files = { ...filesThat(() => {}, commit), oldest: () => ({ first: 0, count: 1, length: 1 }) } as WriterFiles;
    const port = { next: () => undefined, tell: () => {}, later, close: () => {} };
    const loop = openWriterLoop(() => new LogWriter(files), "nowhere", port);
    loop?.take({ kind: "append", job: { id: 1, count: 1, appendedAt: 0, length: 1, body: new ArrayBuffer(1) } });
    fails = true;
    loop?.take({ kind: "trim", next: 1 });
    for (let runs = 0; runs < 3; runs++) planned.shift()?.();
    assert.equal(commits, isTried ? 4 : 2);
  }
});
