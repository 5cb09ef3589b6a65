/** A server that only counts bytes and answers: what the generator costs by itself. Prints its address. */
import { createServer, type Socket } from "node:net";

const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{"status":"accepted"}', "latin1");

const server = createServer((socket) => serve(socket));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.stdout.write(`http://127.0.0.1:${address.port}\n`);
});

function serve(socket: Socket): void {
  let missing = 0;
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    missing = (missing === 0 ? requestLength(chunk) : missing) - chunk.length;
    if (missing === 0) socket.write(answer);
  });
}

function requestLength(chunk: Buffer): number {
  const head = chunk.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/.exec(chunk.toString("latin1", 0, head))?.[1];
  return head + 4 + Number(length);
}
