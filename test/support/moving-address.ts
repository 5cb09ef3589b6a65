import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** An address that stays while the server behind it moves, and whose lines can be cut. */
export interface MovingAddress {
  readonly url: string;
  /** New lines go to the server at this address. */
  leadTo(url: string): void;
  /** Cuts all lines that there are. */
  cut(): void;
  /** How many lines were opened so far. */
  readonly opened: number;
  close(): Promise<void>;
}

export async function openMovingAddress(target: string): Promise<MovingAddress> {
  const lines = new Set<Socket>();
  let [{ hostname, port }, opened] = [new URL(target), 0];
  const server = createServer((incoming) => {
    opened += 1;
    const outgoing = connect(Number(port), hostname);
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      lines.add(socket);
      socket.on("error", () => {}).on("close", () => (lines.delete(socket), other.destroy()));
      socket.setNoDelay(true).pipe(other);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => lines.forEach((line) => line.destroy());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (url) => void ({ hostname, port } = new URL(url)),
    cut,
    get opened() {
      return opened;
    },
    close: () => new Promise((resolve) => (server.close(() => resolve()), cut())),
  };
}
