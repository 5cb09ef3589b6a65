import type { Readable } from "node:stream";
import { WeirError } from "../lib/errors.ts";
import { Turns } from "../lib/turns.ts";
import type { Store, TableQuery, WindowTable } from "../store/store.ts";

/** What questions are answered from, apart from what is asked of the store but once at a time, as verifications are. */
export type AskedStore = Pick<Store, "windows" | "windowTable" | "events" | "rejects" | "tryOut">;

/** How many questions may wait for their turn, which mostly takes milliseconds; each holds a connection meanwhile. */
const waitingMax = 64;

/**
 * The store as questions of users may read it: so many readings at a time, so that however much they ask there is room for
 * counting, for fills and for what is live (docs/decisions/0039). The others wait in order, unless whoever asked has left.
 * Each throws WeirError `overloaded` too, when as many wait as may.
 */
export function inTurn(store: AskedStore, atOnce: number): AskedStore {
  const turns = new Turns(atOnce, { waitingMax, refusal: tooMany });
  const inTurnOf = async <T>(signal: AbortSignal | undefined, read: () => Promise<T>): Promise<T> => {
    const end = await turnOf(turns, signal);
    try {
      return await read();
    } finally {
      end();
    }
  };
  return {
    windows: (query, secondsMax, signal) => inTurnOf(signal, () => store.windows(query, secondsMax, signal)),
    windowTable: async (query: TableQuery, signal): Promise<WindowTable> => {
      const table = await inTurnOf(signal, () => store.windowTable(query, signal));
      const read = (reading: AbortSignal): Promise<Readable> => inTurnOf(reading, () => table.read(reading));
      return { ...table, read };
    },
    events: (query, signal) => inTurnOf(signal, () => store.events(query, signal)),
    rejects: (query, signal) => inTurnOf(signal, () => store.rejects(query, signal)),
    tryOut: (query, signal) => inTurnOf(signal, () => store.tryOut(query, signal)),
  };
}

const tooMany = (): WeirError =>
  new WeirError("overloaded", `${waitingMax} questions wait to be answered already; try again`, {
    canRetry: true,
    retryAfterMs: 1000,
  });

async function turnOf(turns: Turns, signal: AbortSignal | undefined): Promise<() => void> {
  try {
    return await turns.take(signal);
  } catch (cause) {
    if (signal?.aborted !== true) throw cause;
    throw new WeirError("store_unavailable", "nobody waits for the answer any more", { cause, canRetry: true });
  }
}
