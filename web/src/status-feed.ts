import { useSyncExternalStore } from "react";
import type { WeirError } from "../../client/src/weir.ts";
import type { StatusAnswer } from "../../client/src/wire.ts";
import { addSample } from "./overview/history.ts";
import type { Sample } from "./overview/history.ts";
import { weir } from "./server.ts";
import { toWeirError } from "./use-polled.ts";

/** How the server stands, asked for every second by the whole application once. */
export interface Feed {
  readonly status: StatusAnswer | undefined;
  /** When it last answered, ms. */
  readonly at: number | undefined;
  readonly isLost: boolean;
  /** What came instead of an answer, from something that does answer. */
  readonly strange: WeirError | undefined;
  readonly history: readonly Sample[];
}

const everyMs = 1000;
/** So late an answer is none: it may come yet, but what is shown is of before. */
const lateMs = 5000;
let feed: Feed = { status: undefined, at: undefined, isLost: false, strange: undefined, history: [] };
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
    const late = setTimeout(() => tell(lost(undefined)), lateMs);
    const next = await ask();
    clearTimeout(late);
    tell(next);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  isRunning = false;
}

function tell(next: Feed): void {
  feed = next;
  for (const listener of listeners) listener();
}

async function ask(): Promise<Feed> {
  try {
    const status = await weir.status();
    const now = Date.now();
    return {
      status,
      at: now,
      isLost: false,
      strange: undefined,
      history: addSample(feed.history, sampleOf(status, now)),
    };
  } catch (thrown) {
    const error = toWeirError(thrown);
    return lost(error.code === "no_answer" ? undefined : error);
  }
}

function lost(strange: WeirError | undefined): Feed {
  const gap = { at: Date.now(), accepted: null, counted: null };
  return { ...feed, isLost: true, strange, history: addSample(feed.history, gap) };
}

const sampleOf = ({ rates }: StatusAnswer, at: number): Sample => ({
  at,
  accepted: rates.accepted_per_second,
  counted: rates.counted_per_second,
});
