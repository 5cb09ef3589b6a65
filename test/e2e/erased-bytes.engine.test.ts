import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { erasuresDone, eraseEvents, postCounted } from "../support/api.ts";
import { startServer } from "../support/server-process.ts";

const event = (secret: string) => ({
  ...{ event_id: "e1", user_id: "ann", event_type: "order", timestamp: Date.UTC(2026, 0, 13) },
  payload: { secret },
});

test("an erasure that finds no stored event takes the repeats of erased ones out of the log's files all the same", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-erased-"));
  const server = await startServer({ dataDir });
  try {
    await postCounted(server.ingestUrl, [event("the-first-secret")]);
    await eraseEvents(server.queryUrl, "user_id=ann");
    await erasuresDone(server.queryUrl);
    // Sent again: the id is still known, and so nothing of it is stored.
    await postCounted(server.ingestUrl, [event("the-second-secret")]);
    assert.deepEqual(await holding(dataDir, "the-second-secret").then((files) => files.length > 0), true);
    await eraseEvents(server.queryUrl, "user_id=ann");
    const [last] = await erasuresDone(server.queryUrl);
    assert.equal(last?.events, 0);
    assert.deepEqual(await holding(dataDir, "the-second-secret"), []);
  } finally {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  }
});

/** The files of a folder that have the text somewhere in them. */
async function holding(folder: string, text: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(
    // The engine removes files while they are looked at.
    files.map(async (file) => (await readFile(file).catch(() => Buffer.alloc(0))).includes(text)),
  );
  return files.filter((_, index) => found[index]);
}
