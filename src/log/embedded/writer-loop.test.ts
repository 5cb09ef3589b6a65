import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyMeta } from "./files.ts";
import { openWriterLoop } from "./writer-loop.ts";
import { LogWriter } from "./writer.ts";
import type { WriterFiles } from "./writer-files.ts";

/** Files of an empty log, of which the last sync can fail. */
function filesThat(sync: () => void): WriterFiles {
  const nothing = (): void => {};
  return {
    ...{ place: "nowhere", meta: () => emptyMeta, oldest: () => undefined, bytes: () => 0, shrink: () => true },
    ...{ makeDurable: nothing, begin: nothing, insert: nothing, remove: nothing, saveMeta: nothing },
    ...{ commit: nothing, rollBack: nothing, checkpoint: nothing, close: nothing },
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
