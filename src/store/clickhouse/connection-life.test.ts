import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Connection } from "./connection.ts";
import { embeddedFacts } from "./facts.ts";

test("a read is given up as soon as the engine is silent; a write is waited for", async (t) => {
  const asked: string[] = [];
  const mute = createServer((request) => void asked.push(request.url ?? "")).listen(0, "127.0.0.1");
  await once(mute, "listening");
  let silence: () => void = () => {};
  let isAnswering = true;
  const connection = new Connection({
    url: () => `http://127.0.0.1:${(mute.address() as AddressInfo).port}`,
    ...{ username: "weir", password: "", database: "weir", requestTimeoutMs: 60_000 },
    newId: () => "id",
    facts: embeddedFacts(""),
    life: { answering: () => isAnswering, onSilence: (listener) => (silence = listener) },
  });
  t.after(async () => {
    mute.closeAllConnections();
    mute.close();
    await connection.close();
  });
  const statement = { sql: "SELECT 1", parameters: {} };
  const reads = [
    connection.rows(statement),
    connection.rows(statement, new AbortController().signal),
    connection.columns(statement),
    connection.bytes(statement, { name: "CSV", settings: {} }, new AbortController().signal),
  ];
  let written: unknown;
  connection.write(statement).catch((error: unknown) => (written = error));
  while (asked.length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  isAnswering = false;
  silence();
  for (const read of reads) await assert.rejects(read, { code: "store_unavailable", canRetry: true });
  await assert.rejects(connection.rows(statement), { code: "store_unavailable" });
  await assert.rejects(connection.measured(statement, {}, new AbortController().signal), { code: "store_unavailable" });
  assert.equal(asked.length, 5, "an engine that is known to be silent is not asked");
  assert.equal(written, undefined);
});
