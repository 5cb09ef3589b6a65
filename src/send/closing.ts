import type { Sender, SenderCounts } from "../../client/src/weir.ts";

/** Resolves when everything that was sent has its outcome; within `graceMs` of the signal, whenever that comes. */
export async function closed(
  sender: Pick<Sender, "close">,
  signal: AbortSignal,
  graceMs: number,
): Promise<SenderCounts> {
  const giveUp = (): void => void sender.close({ withinMs: graceMs });
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await sender.close(signal.aborted ? { withinMs: graceMs } : {});
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
