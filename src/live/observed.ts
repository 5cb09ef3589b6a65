import type { Client } from "./client.ts";
import type { Hub, LiveConnection } from "./hub.ts";

/** The same hub, with every frame that it pushes reported. */
export function observedHub(
  hub: Pick<Hub, "connect" | "isFull" | "stop">,
  pushed: (frames: number, bytes: number) => void,
): Pick<Hub, "connect" | "isFull" | "stop"> {
  return {
    get isFull() {
      return hub.isFull;
    },
    stop: () => hub.stop(),
    connect: (client: Client): LiveConnection =>
      hub.connect({
        send: (text) => {
          pushed(1, text.length);
          client.send(text);
        },
        bufferedBytes: () => client.bufferedBytes(),
        close: (reason) => client.close(reason),
      }),
  };
}
