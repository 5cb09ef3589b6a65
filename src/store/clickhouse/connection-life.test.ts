import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Connection } from "./connection.ts";
import { embeddedFacts, serverFacts } from "./facts.ts";
import type { Expected } from "./unanswered.ts";

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

/** A connection to a server that answers so, and who waits for what by its name. */
async function connected(t: TestContext, answer: RequestListener): Promise<[Connection, Map<string, AbortController>]> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const expected = new Map<string, AbortController>();
  const expect = (id: string): Expected => {
    const lost = new AbortController();
    expected.set(id, lost);
    return { signal: lost.signal, heard: () => {}, end: () => void expected.delete(id) };
  };
  let asked = 0;
  const connection = new Connection({
    url: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ username: "weir", password: "", database: "weir", requestTimeoutMs: 60_000 },
    newId: () => `id${asked++}`,
    facts: serverFacts(),
    life: { answering: () => true, onSilence: () => {}, expect },
  });
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await connection.close();
  });
  return [connection, expected];
}

test("an answer that breaks off behind its head is given up like one that never came", async (t) => {
  const [connection, expected] = await connected(t, (request, answer) => {
    request.resume();
    answer.writeHead(200, { "content-type": "application/json" }).write('{"n":1}\n{"n":2}\n');
  });
  const statement = { sql: "SELECT 1", parameters: {} };
  const reads = [
    connection.rows(statement),
    connection.columns(statement),
    connection.measured(statement, {}, new AbortController().signal),
  ];
  const write = connection.write({ sql: "INSERT", parameters: {} });
  while (expected.size < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const lost of expected.values()) lost.abort();
  for (const read of reads) await assert.rejects(read, { code: "store_unavailable", outcomeUnknown: false });
  await assert.rejects(write, { code: "store_unavailable", outcomeUnknown: true });
  assert.equal(connection.inDoubt().size, 1);
});

test("nobody is expected to be answered before it has a socket, and writes do not wait for those of reads", async (t) => {
  let arrived = 0;
  const [connection, expected] = await connected(t, (request) => (request.resume(), (arrived += 1)));
  const statement = { sql: "SELECT 1", parameters: {} };
  const reads = Array.from({ length: 40 }, () => connection.rows(statement));
  const write = connection.write(statement);
  while (arrived < 17) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual([arrived, expected.size], [17, 17]);
  let areSettled = false;
  const settled = Promise.allSettled([...reads, write]);
  void settled.then(() => (areSettled = true));
  while (!areSettled) {
    for (const lost of expected.values()) lost.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok((await settled).every(({ status }) => status === "rejected"));
});
