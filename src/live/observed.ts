import type { CloseReason } from "../protocol/live.ts";
import type { Client } from "./client.ts";
import type { Mark } from "./exact/subscriber.ts";
import type { Hub, LiveConnection } from "./hub.ts";

/** A hub, as far as those need it who carry messages. */
export type LiveHub = Pick<Hub, "connect" | "isFull" | "knows" | "stop">;

type Pushed = (frames: number, bytes: number) => void;

/** The same hub, with every frame that it pushes reported. */
export function observedHub(hub: LiveHub, pushed: Pushed): LiveHub {
  return {
    get isFull() {
      return hub.isFull;
    },
    knows: (ruleId) => hub.knows(ruleId),
    stop: () => hub.stop(),
    connect: (client: Client): LiveConnection => hub.connect(new ObservedClient(client, pushed)),
  };
}

class ObservedClient implements Client {
  readonly #client: Client;
  readonly #pushed: Pushed;

  constructor(client: Client, pushed: Pushed) {
    this.#client = client;
    this.#pushed = pushed;
  }

  send(text: string, mark?: Mark): void {
    this.#pushed(1, text.length);
    this.#client.send(text, mark);
  }

  bufferedBytes(): number {
    return this.#client.bufferedBytes();
  }

  close(reason: CloseReason): void {
    this.#client.close(reason);
  }
}
