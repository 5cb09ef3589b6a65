import { useSyncExternalStore } from "react";
import type { StatusAnswer } from "../../client/src/wire.ts";
import { addSample } from "./overview/history.ts";
import type { Sample } from "./overview/history.ts";
import { weir } from "./server.ts";

/** How the server stands, asked for every second by the whole application once. */
export interface Feed {
  readonly status: StatusAnswer | undefined;
  /** When it last answered, ms. */
  readonly at: number | undefined;
  readonly isLost: boolean;
  readonly history: readonly Sample[];
}

const everyMs = 1000;
let feed: Feed = { status: undefined, at: undefined, isLost: false, history: [] };
const listeners = new Set<() => void>();
let isRunning = false;

export const useStatus = (): Feed => useSyncExternalStore(subscribe, () => feed);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (!isRunning) void run();
  return () => void listeners.delete(listener);
}

async function run(): Promise<void> {
  isRunning = true;
  while (listeners.size > 0) {
    await ask();
    for (const listener of listeners) listener();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  isRunning = false;
}

async function ask(): Promise<void> {
  const now = Date.now();
  try {
    const status = await weir.status();
    feed = { status, at: now, isLost: false, history: addSample(feed.history, sampleOf(status, now)) };
  } catch {
    feed = { ...feed, isLost: true, history: addSample(feed.history, { at: now, accepted: null, counted: null }) };
  }
}

const sampleOf = ({ rates }: StatusAnswer, at: number): Sample => ({
  at,
  accepted: rates.accepted_per_second,
  counted: rates.counted_per_second,
});
