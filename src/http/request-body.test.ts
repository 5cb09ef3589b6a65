import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { converse } from "../../test/support/socket.ts";
import { BodyReader } from "./request-body.ts";

describe("a body that comes slowly", () => {
  /** Reads one body by a clock of our own; answers the code of the error, or the number of bytes. */
  async function read(firstBytes: number, afterMs: number): Promise<string | number> {
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
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const connection = converse((server.address() as AddressInfo).port);
    connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(firstBytes)}`);
    await arrived.promise;
    await clock.advance(afterMs);
    connection.write("x".repeat(1_000_000 - firstBytes));
    const result = await settled.promise;
    connection.destroy();
    bodies.close();
    server.close();
    return result;
  }

  it("is cut when it keeps to no rate", async () => assert.equal(await read(1, 12_000), "request_timeout"));
  it("may take ten seconds in any case", async () => assert.equal(await read(1, 9_000), 1_000_000));
  it("may take longer while it keeps its rate", async () => assert.equal(await read(500_000, 16_000), 1_000_000));
  it("is cut when it stops half-way", async () => assert.equal(await read(500_000, 20_000), "request_timeout"));
});
