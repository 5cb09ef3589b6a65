import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FloodOrder, FloodResult } from "./order.ts";

const script = fileURLToPath(new URL("flood.fixture.ts", import.meta.url));

/** Floods the server from a process of its own; resolves when every request is answered. */
export function flood(order: FloodOrder): Promise<FloodResult> {
  const child = fork(script, [JSON.stringify(order)]);
  return new Promise((resolve, reject) => {
    let result: FloodResult | undefined;
    child.on("message", (message: FloodResult) => (result = message));
    child.on("close", (code) => (result ? resolve(result) : reject(new Error(`the flood ended early, exit ${code}`))));
  });
}
