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

test("the same texts are framed once, however many get them one after the other", () => {
  const frames = new TextFrames();
  const round = ["final", "delta", "snapshot from the first", "snapshot from the second"];
  const made = new Set(Array.from({ length: 100 }, () => round.map((text) => frames.of(text))).flat());
  assert.equal(made.size, round.length);
});

test("of frames a few are kept, and not too much of long ones", () => {
  const frames = new TextFrames();
  const isKept = (text: string, between: readonly string[]): boolean => {
    const frame = frames.of(text);
    for (const other of between) frames.of(other);
    return frames.of(text) === frame;
  };
  assert.equal(isKept("a", "bcdefgh".split("")), true);
  assert.equal(isKept("a", "bcdefghijk".split("")), false);
  const long = (letter: string): string => letter.repeat(3 * 1024 * 1024);
  assert.equal(isKept("a", [long("b")]), true);
  assert.equal(isKept(long("c"), ["a"]), true);
  assert.equal(isKept(long("c"), [long("b")]), false);
});

test("what is framed is the text", () => {
  const frames = new TextFrames();
  const first = frames.of("one");
  assert.equal(frames.of("o".concat("ne")), first);
  assert.deepEqual(frames.of("two"), textFrame("two"));
  assert.deepEqual(frames.of("one"), first);
  assert.deepEqual(new TextFrames().of(""), textFrame(""));
});
