import { parentPort } from "node:worker_threads";
import type { FromWriter } from "./messages.ts";

/** A writer's thread that opens well and dies of the first message. */
const ready: FromWriter = { kind: "ready", mark: { base: 0, next: 0, committed: 0, bytes: 0 } };
parentPort?.on("message", () => {
  throw new Error("struck");
});
parentPort?.postMessage(ready);
