import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadCommand, LoadMessage, LoadOrder, LoadResult } from "./protocol.ts";

export interface RunningLoad {
  /** Resolves when the warm-up is over. */
  readonly measuring: Promise<void>;
  readonly result: Promise<LoadResult>;
  command(command: LoadCommand): void;
}

/** Starts the generator as a process of its own. */
export function runLoad(order: LoadOrder): RunningLoad {
  const child = fork(fileURLToPath(new URL("load.ts", import.meta.url)), [JSON.stringify(order)]);
  const measuring = Promise.withResolvers<void>();
  const result = Promise.withResolvers<LoadResult>();
  child.on("message", (message: LoadMessage) => {
    if (message.type === "measuring") measuring.resolve();
    else result.resolve(message.result);
  });
  // The channel closes after its last message has been read; the exit may be seen before that.
  void once(child, "disconnect").then(() => {
    const error = new Error("the load generator ended early");
    measuring.reject(error);
    result.reject(error);
  });
  measuring.promise.catch(() => undefined);
  return {
    measuring: measuring.promise,
    result: result.promise,
    command: (command) => {
      if (child.connected) child.send(command);
    },
  };
}
