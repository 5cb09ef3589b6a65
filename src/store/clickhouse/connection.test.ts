import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { WeirError } from "../../lib/errors.ts";
import { Connection } from "./connection.ts";
import { embeddedFacts } from "./facts.ts";

/** What the engine says when its machine has no more descriptors, memory or threads for it, in its own words. */
const ofTheMachine = [
  "Code: 460. DB::ErrnoException: Cannot create timer_fd descriptor: , errno: 24, strerror: Too many open files. (CANNOT_CREATE_TIMER)",
  "Code: 573. DB::ErrnoException: Cannot open epoll descriptor: , errno: 24, strerror: Too many open files. (EPOLL_ERROR)",
  "Code: 298. DB::ErrnoException: Cannot create pipe: , errno: 24, strerror: Too many open files. (CANNOT_PIPE)",
  "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)",
];
const ofTheStatement = [
  "Code: 6. DB::Exception: Cannot parse string ', errno: 24, strerror: Too many open files'. (CANNOT_PARSE_TEXT)",
  "Code: 469. DB::Exception: Constraint is violated. (VIOLATED_CONSTRAINT)",
];

let says: { readonly status: number; readonly text: string } = { status: 200, text: "" };
/** The address of the last request, which has its settings. */
let asked = new URL("http://nobody");
const server = createServer((request, answer) => {
  asked = new URL(request.url ?? "", "http://engine");
  request.resume();
  request.on("end", () => answer.writeHead(says.status).end(says.text));
});
let connection: Connection;

before(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const newId = (): string => "id";
  connection = new Connection({
    ...{
      url: () => url,
      username: "u",
      password: "p",
      database: "d",
      requestTimeoutMs: 5000,
      newId,
      facts: embeddedFacts(""),
    },
  });
});

after(async () => {
  await connection.close();
  server.close();
});

async function failure(): Promise<WeirError> {
  const error: unknown = await connection.write({ sql: "SELECT 1", parameters: {} }).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof WeirError);
  return error;
}

test("what the engine's machine refuses is no refusal of the statement, and is tried again", async () => {
  for (const text of ofTheMachine) {
    says = { status: 500, text };
    const { code, canRetry, outcomeUnknown } = await failure();
    assert.deepEqual([code, canRetry, outcomeUnknown], ["store_unavailable", true, true], text);
  }
});

test("a refused statement stays one, whatever text of its own the engine quotes", async () => {
  for (const text of ofTheStatement) {
    says = { status: 500, text };
    assert.equal((await failure()).code, "store_refused", text);
  }
});

test("an OK of somebody who has the engine's port is no answer: the outcome is to be settled", async () => {
  says = { status: 200, text: "" };
  const { code, canRetry, outcomeUnknown, message } = await failure();
  assert.deepEqual([code, canRetry, outcomeUnknown], ["store_unavailable", true, true]);
  assert.match(message, /is not the engine/);
});

test("a reading has the time that it is given, and never more than a question may have", async () => {
  says = { status: 200, text: "" };
  for (const [secondsMax, expected] of [
    [undefined, "30"],
    [5, "5"],
    [300, "30"],
  ] as const) {
    const bounds = { bytesMax: 1000, ...(secondsMax !== undefined && { secondsMax }) };
    await connection.rowsWithin(bounds, { sql: "SELECT 1", parameters: {} });
    assert.equal(asked.searchParams.get("max_execution_time"), expected);
  }
});

test("what Weir asks for itself has longer than a question", async () => {
  says = { status: 200, text: '{"data":{}}' };
  const statement = { sql: "SELECT 1", parameters: {} };
  for (const [ask, expected] of [
    [() => connection.rows(statement), "30"],
    [() => connection.ownRows(statement), "250"],
    [() => connection.columns(statement), "250"],
  ] as const) {
    await ask().catch(() => {});
    assert.equal(asked.searchParams.get("max_execution_time"), expected);
  }
});

test("numbers are read by roll-ups as they are by questions: to the nearest double, whatever the server does by itself", async () => {
  const precision: (string | null)[] = [];
  const statement = { sql: "SELECT 1", parameters: {} };
  for (const ask of [() => connection.write(statement), () => connection.rows(statement)]) {
    await ask().catch(() => {});
    precision.push(asked.searchParams.get("precise_float_parsing"));
  }
  assert.deepEqual(precision, ["1", "1"]);
});
