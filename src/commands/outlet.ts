import type { Writable } from "node:stream";

/**
 * Resolves when all that was written has been taken, or nobody takes it any more. A pipe has little room: what waits for a slow
 * reader would be lost with the end of the process, and fill the memory before.
 */
export const taken = (outlet: Writable): Promise<void> =>
  new Promise((resolve) => void outlet.write("", () => resolve()));
