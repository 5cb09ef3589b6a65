import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { converse, listening } from "../../test/support/socket.ts";
import { systemClock } from "../lib/clock.ts";
import { BodyReader } from "./request-body.ts";

describe("a body that comes slowly", () => {
  /** Reads one body by a clock of our own; answers the code of the error, or the number of bytes. */
  async function read(firstBytes: number, afterMs: number, leaves = false): Promise<string | number> {
    const clock = new SimulatedClock();
    const bodies = new BodyReader(clock);
    const settled = Promise.withResolvers<string | number>();
    const arrived = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      let missing = firstBytes;
      const grow = (bytes: number): void => {
        missing -= bytes;
        if (missing <= 0) arrived.resolve();
      };
      const limits = { bytesMax: 10_000_000, grow };
      bodies
        .read(request, limits, (body) => body.length)
        .then(
          (length) => settled.resolve(length),
          (error: { code: string }) => settled.resolve(error.code),
        );
      void settled.promise.then(() => response.end());
    });
    const connection = converse(await listening(server));
    connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(firstBytes)}`);
    await arrived.promise;
    await clock.advance(afterMs);
    if (leaves) connection.destroy();
    else connection.write("x".repeat(1_000_000 - firstBytes));
    const result = await settled.promise;
    connection.destroy();
    bodies.close();
    server.close();
    return result;
  }

  it("is cut when it keeps to no rate", async () => assert.equal(await read(1, 12_000), "request_timeout"));
  it("may take ten seconds in any case", async () => assert.equal(await read(1, 9_000), 1_000_000));
  it("may take longer while it keeps its rate", async () => assert.equal(await read(500_000, 16_000), 1_000_000));
  it("whose client leaves is no fault of the server", async () =>
    assert.equal(await read(500, 0, true), "bad_request"));
  it("is cut when it stops half-way", async () => assert.equal(await read(500_000, 20_000), "request_timeout"));
});

describe("the memory of a body", () => {
  const head = (bytes: number): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`;

  /** Sends the parts one after the other and answers the bodies of all requests, as they were and as they are afterwards. */
  async function read(parts: readonly string[], requests: number): Promise<[string, number][]> {
    const bodies = new BodyReader(systemClock);
    const used: { readonly body: Buffer; readonly text: string }[] = [];
    const allRead = Promise.withResolvers<void>();
    let read = 0;
    const server = createServer((request, response) => {
      const use = (body: Buffer): number => used.push({ body, text: body.toString() });
      const limits = { bytesMax: 1_000, grow: () => {} };
      void bodies.read(request, limits, use).then(() => {
        response.end();
        if (++read === requests) allRead.resolve();
      });
    });
    const connection = converse(await listening(server));
    for (const part of parts) {
      connection.write(part);
      await pause(20);
    }
    await allRead.promise;
    connection.destroy();
    bodies.close();
    server.close();
    return used.map(({ body, text }) => [text, body.length]);
  }

  it("is given back when the body has been used, however it came", async () => {
    assert.deepEqual(await read([`${head(3)}abc`], 1), [["abc", 0]]);
    assert.deepEqual(await read([head(3), "abc"], 1), [["abc", 0]]);
  });

  it("is not taken from the request that came in the same packet", async () =>
    assert.deepEqual(
      (await read([`${head(3)}abc${head(4)}defg`, `${head(2)}h`, `i${head(1)}j`], 4)).map(([text]) => text),
      ["abc", "defg", "hi", "j"],
    ));
});
