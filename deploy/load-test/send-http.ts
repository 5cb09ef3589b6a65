import { setTimeout as pause } from "node:timers/promises";
import type { Weir } from "../../client/src/weir.ts";
import { Durations } from "./durations.ts";
import { loadEvent } from "./events.ts";
import type { Run } from "./events.ts";
import type { Settings } from "./settings.ts";

export interface Sent {
  readonly events: number;
  /** Sent a second time, under the same ids. */
  readonly repeated: number;
  readonly seconds: number;
  readonly requests: Durations;
}

/** Every so many requests are sent twice: the events must be counted once. */
export const repeatEvery = 20;

/** Sends the events of the way `http`, each request until it is answered. @throws WeirError when one is refused or given up. */
export async function sendHttp(weir: Weir, run: Run, settings: Settings): Promise<Sent> {
  const { events, batch, senders, rate } = settings;
  const requests = new Durations();
  const startedAt = performance.now();
  const count = Math.ceil(events / batch);
  let next = 0;
  let repeated = 0;
  const sender = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const from = index * batch;
      const due = rate === 0 ? 0 : (from / rate) * 1000 - (performance.now() - startedAt);
      if (due > 0) await pause(due);
      const body = Array.from({ length: Math.min(batch, events - from) }, (_, i) => loadEvent(run, "http", from + i));
      requests.add(await timed(() => mustTake(weir, body, batch)));
      if (index % repeatEvery !== 0) continue;
      await mustTake(weir, body, batch);
      repeated += body.length;
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  return { events, repeated, seconds: (performance.now() - startedAt) / 1000, requests };
}

/** One request. */
async function mustTake(weir: Weir, body: readonly ReturnType<typeof loadEvent>[], batch: number): Promise<void> {
  const bounds = { batchEventsMax: batch, batchBytesMax: 2 ** 24, queueEventsMax: batch };
  const { accepted, problems } = await weir.ingest(body, bounds);
  if (accepted === body.length) return;
  throw new Error(`${body.length - accepted} of ${body.length} events were not taken: ${JSON.stringify(problems[0])}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
