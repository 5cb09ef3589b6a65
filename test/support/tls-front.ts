import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { pipeline } from "node:stream";
import { createServer } from "node:tls";
import type { Certificates } from "./certificates.ts";

/** TLS on loopback, as `localhost`, in front of an HTTP server that speaks none. */
export async function openTlsFront(
  { key, cert }: Certificates,
  target: string,
): Promise<{ readonly url: string; close(): void }> {
  const { port, hostname } = new URL(target);
  const front = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
    const inside = connect(Number(port), hostname);
    // Whoever goes first takes the other along.
    pipeline(socket, inside, socket, () => {});
  }).listen(0, "127.0.0.1");
  await once(front, "listening");
  return { url: `https://localhost:${(front.address() as AddressInfo).port}`, close: () => void front.close() };
}
