import type { Clock } from "../lib/clock.ts";
import type { DemoClient } from "./demo-client.ts";
import { flightEvent } from "./demo-rules.ts";
import type { Flights } from "./flights.ts";

export interface Replay {
  readonly client: Pick<DemoClient, "send" | "lagMs">;
  readonly flights: Flights;
  readonly shiftMs: number;
  /** 0: as fast as the server takes them. */
  readonly eventsPerSecond: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

const requestEventsMax = 2000;
/** Events due within this time go together. */
const gatherMs = 100;
const progressEveryMs = 5000;

/**
 * Sends the flights at their pace until there are no more.
 * @returns true when all are counted; false when the signal ended it.
 */
export async function replay(order: Replay): Promise<boolean> {
  const { client, clock, signal } = order;
  const progress = new Progress(order);
  const startedAt = clock.monotonic();
  const msPerEvent = order.eventsPerSecond === 0 ? 0 : 1000 / order.eventsPerSecond;
  let batch: object[] = [];
  const flush = async (wait: "durable" | "counted"): Promise<void> => {
    if (batch.length > 0) await client.send(batch, wait);
    progress.sent(batch.length);
    batch = [];
  };
  for await (const flight of order.flights.each) {
    if (signal.aborted) return false;
    const early = startedAt + flight.index * msPerEvent - clock.monotonic();
    if (batch.length === requestEventsMax || (early > gatherMs && batch.length > 0)) await flush("durable");
    if (early > gatherMs) await clock.sleep(early, signal);
    batch.push(flightEvent(flight, order.shiftMs));
    await progress.tell(flight.departure);
  }
  // The last request's answer says that everything before it is counted as well.
  await flush("counted");
  return !signal.aborted;
}

/** A line every few seconds: where the replay is, how fast, and how far behind the server is. */
class Progress {
  readonly #order: Replay;
  #sent = 0;
  #toldAt: number;
  #toldSent = 0;

  constructor(order: Replay) {
    this.#order = order;
    this.#toldAt = order.clock.monotonic();
  }

  sent(events: number): void {
    this.#sent += events;
  }

  async tell(departure: number): Promise<void> {
    const { clock, client, flights, print } = this.#order;
    const elapsed = clock.monotonic() - this.#toldAt;
    if (elapsed < progressEveryMs) return;
    const rate = Math.round(((this.#sent - this.#toldSent) * 1000) / elapsed);
    const share = Math.round((this.#sent / flights.count) * 100);
    const day = new Date(departure).toISOString().slice(0, 16).replace("T", " ");
    const figures = [
      `${text(this.#sent)} flights (${share} %)`,
      `${text(rate)}/s`,
      `${text(await client.lagMs())} ms behind`,
    ];
    print(`${day}  ${figures.join(" · ")}`);
    this.#toldAt = clock.monotonic();
    this.#toldSent = this.#sent;
  }
}

function text(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
