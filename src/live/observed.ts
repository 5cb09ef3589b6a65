import type { Client } from "./client.ts";
import type { Hub, LiveConnection } from "./hub.ts";

/** A hub, as far as those need it who carry messages. */
export type LiveHub = Pick<Hub, "connect" | "isFull" | "knows" | "stop">;

/** The same hub, with every frame that it pushes reported. */
export function observedHub(hub: LiveHub, pushed: (frames: number, bytes: number) => void): LiveHub {
  return {
    get isFull() {
      return hub.isFull;
    },
    knows: (ruleId) => hub.knows(ruleId),
    stop: () => hub.stop(),
    connect: (client: Client): LiveConnection =>
      hub.connect({
        send: (text, mark) => {
          pushed(1, text.length);
          client.send(text, mark);
        },
        bufferedBytes: () => client.bufferedBytes(),
        close: (reason) => client.close(reason),
      }),
  };
}
