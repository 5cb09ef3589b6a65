import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { TextFrames, textFrame } from "./text-frame.ts";

/** Around each bound of how a frame says its length; of characters that take one byte, and several. */
const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000].flatMap((size) => [
  "x".repeat(size),
  "é".repeat(size / 2),
  "🙂".repeat(size / 4),
]);

test("a client reads what was framed, between what the library sends", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (ws) => {
      for (const text of texts) {
        ws.send("between");
        socket.write(textFrame(text));
      }
      ws.close();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const got: string[] = [];
  client.on("message", (data, isBinary) => {
    assert.equal(isBinary, false);
    got.push((data as Buffer).toString());
  });
  await once(client, "close");
  server.close();
  assert.deepEqual(
    got,
    texts.flatMap((text) => ["between", text]),
  );
});

test("the same text is framed once, however many get it", () => {
  const frames = new TextFrames();
  const first = frames.of("one");
  assert.equal(frames.of("o".concat("ne")), first);
  assert.deepEqual(frames.of("two"), textFrame("two"));
  assert.deepEqual(frames.of("one"), first);
  assert.deepEqual(new TextFrames().of(""), textFrame(""));
});
