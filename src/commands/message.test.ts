import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Weir } from "../../client/src/weir.ts";
import { explained } from "./message.ts";

test("that nobody answers is told with the reason, where that is another one than that nobody listens", async () => {
  const asking = (queryUrl: string): Promise<string> => new Weir({ queryUrl }).status().then(() => "", explained);
  // Speaks no TLS: whatever comes first is answered and cut off.
  const plain = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n", () => socket.destroy()));
  }).listen(0, "127.0.0.1");
  await once(plain, "listening");
  const at = `127.0.0.1:${(plain.address() as AddressInfo).port}`;
  assert.match(await asking(`https://${at}`), /^no server answers at https:.*; is it running there\? \(ERR_SSL_\w+\)$/);
  await new Promise((resolve) => plain.close(resolve));
  assert.match(await asking(`http://${at}`), /^no server answers at http:.*; is it running there\?$/);
  assert.equal(explained("odd"), "odd");
});
