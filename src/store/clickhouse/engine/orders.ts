import type { Clock } from "../../../lib/clock.ts";

/** Runs a statement for its effect. */
type Order = (statement: string, readonly?: boolean) => Promise<void>;

const againMs = 1000;

/** Tells when the engine has answered. One that refuses, for want of memory say, owes the answer: how many it may owe is the parent's matter. */
export async function alive(order: Order, pong: () => void): Promise<void> {
  try {
    await order("SELECT 1", true);
  } catch {
    return;
  }
  pong();
}

/** Has parts merged from now on; asks until it is so, as nobody else will. */
export async function merge(clock: Pick<Clock, "sleep">, order: Order): Promise<void> {
  for (;;) {
    try {
      return await order("SYSTEM START MERGES");
    } catch {
      await clock.sleep(againMs);
    }
  }
}
