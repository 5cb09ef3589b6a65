import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/**
 * `through`; `refused`: connections end at once, and those that are there; `silent`: nothing arrives on either side, and no
 * connection ends; `answers lost`: what is sent arrives, and then the connection ends instead of an answer; `answer lost`: once.
 */
export type Passage = "through" | "refused" | "silent" | "answers lost" | "answer lost";

export interface TcpProxy {
  readonly port: number;
  set(passage: Passage): void;
  close(): Promise<void>;
}

/** A line on loopback to the given port, that can be cut in several ways. */
export async function openTcpProxy(target: number): Promise<TcpProxy> {
  let passage: Passage = "through";
  const pairs = new Set<readonly [Socket, Socket]>();
  const end = (pair: readonly [Socket, Socket]): void => {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  };
  const server = createServer((incoming) => {
    if (passage === "refused") return void incoming.destroy();
    const outgoing = connect(target, "127.0.0.1");
    const pair = [incoming, outgoing] as const;
    pairs.add(pair);
    incoming.on("data", (bytes) => void (passage !== "silent" && outgoing.write(bytes)));
    outgoing.on("data", (bytes) => {
      if (passage === "answer lost" || passage === "answers lost") {
        if (passage === "answer lost") passage = "through";
        return end(pair);
      }
      if (passage !== "silent") incoming.write(bytes);
    });
    for (const socket of pair) socket.on("error", () => end(pair)).on("close", () => end(pair));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    set: (next) => {
      // What was swallowed is gone, so that no connection of a silent time can go on.
      if (next === "refused" || passage === "silent") for (const pair of pairs) end(pair);
      passage = next;
    },
    close: async () => {
      for (const pair of pairs) end(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
