import { setTimeout as pause } from "node:timers/promises";
import { type Random, seeded } from "../support/random.ts";
import { FaultEvents } from "./fault-events.ts";
import type { Ledger, Outcome, WireEvent } from "./ledger.ts";

export interface SenderOptions {
  readonly seed: number;
  /** The newest event time, ms since the epoch. */
  readonly now: number;
  readonly senders: number;
  readonly requestEventsMax: number;
  /** Share of requests of unknown outcome, and of refused ones, that are sent again, whole. */
  readonly retryShare: number;
  /** Share of requests that also carry events which were sent before. */
  readonly repeatShare: number;
  /** A request that is refused is sent again for so long, as clients do where it is refused for the moment, before it counts as refused. */
  readonly patienceMs?: number;
  /** What each sender waits after an acknowledgement; 0: it sends without pause. */
  readonly pauseMs: number;
  /** Hears how long each acknowledgement took. */
  readonly acknowledged?: (ms: number) => void;
}

const keptForRepeats = 2000;

/**
 * Clients that send one request after the other, keep the ledger, and send unknown outcomes again. They outlive the server: `start`
 * them after every restart, with its new address, and `stop` them around a kill.
 */
export class Senders {
  readonly #ledger: Ledger;
  readonly #options: SenderOptions;
  readonly #random: Random;
  readonly #events: FaultEvents;
  readonly #again: WireEvent[][] = [];
  readonly #earlier: WireEvent[] = [];
  #running: Promise<void>[] = [];
  /** How often a refused request was sent again out of patience. */
  resent = 0;
  #stopped = false;

  constructor(ledger: Ledger, options: SenderOptions) {
    this.#ledger = ledger;
    this.#options = options;
    this.#random = seeded(options.seed);
    this.#events = new FaultEvents(options.seed, options.now);
  }

  start(ingestUrl: string): void {
    this.#stopped = false;
    this.#running = Array.from({ length: this.#options.senders }, () => this.#sendOn(ingestUrl));
  }

  /** What was acknowledged elsewhere, on the folder that these send to. */
  remember(events: readonly WireEvent[]): void {
    this.#ledger.sent(events);
    this.#ledger.settled(events, "acknowledged");
    this.#earlier.push(...events.slice(-keptForRepeats));
  }

  /** Resolves when every sender knows how its last request ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Sends what is to be sent again, once each; what is refused then, or unknown, stays to be sent again. */
  async sendAgain(ingestUrl: string): Promise<void> {
    for (const events of this.#again.splice(0)) await this.#sendOne(ingestUrl, events);
  }

  async #sendOn(ingestUrl: string): Promise<void> {
    while (!this.#stopped) {
      const outcome = await this.#sendOne(ingestUrl, this.#again.shift() ?? this.#request());
      const pauseMs = outcome === "acknowledged" ? this.#options.pauseMs : 10;
      if (pauseMs > 0) await pause(pauseMs);
    }
  }

  async #sendOne(ingestUrl: string, events: WireEvent[]): Promise<Outcome> {
    this.#ledger.sent(events);
    const startedAt = performance.now();
    const outcome = await this.#patiently(() => send(ingestUrl, events));
    if (outcome === "acknowledged") this.#options.acknowledged?.(performance.now() - startedAt);
    this.#ledger.settled(events, outcome);
    if (outcome === "acknowledged") this.#keep(events);
    else if (this.#random.chance(this.#options.retryShare)) this.#again.push(events);
    return outcome;
  }

  async #patiently(sending: () => Promise<Outcome>): Promise<Outcome> {
    for (const end = performance.now() + (this.#options.patienceMs ?? 0); ; await pause(200)) {
      const outcome = await sending();
      if (outcome !== "refused" || performance.now() > end) return outcome;
      this.resent += 1;
    }
  }

  #request(): WireEvent[] {
    const events = Array.from({ length: 1 + this.#random.int(this.#options.requestEventsMax) }, () =>
      this.#events.make(),
    );
    if (!this.#random.chance(this.#options.repeatShare)) return events;
    const earlier =
      this.#earlier.length > 0 ? [this.#random.pick(this.#earlier), this.#random.pick(this.#earlier)] : [];
    return [...events, ...earlier, this.#random.pick(events)];
  }

  #keep(events: readonly WireEvent[]): void {
    const event = this.#random.pick(events);
    if (this.#earlier.length < keptForRepeats) this.#earlier.push(event);
    else this.#earlier[this.#random.int(keptForRepeats)] = event;
  }
}

/** Sends one request. Never rejects: what a client can't know is `unknown`. */
export async function send(ingestUrl: string, events: readonly WireEvent[]): Promise<Outcome> {
  try {
    const body = JSON.stringify(events);
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${ingestUrl}/ingest`, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(120_000),
    });
    // The status line is the acknowledgement, whether or not the rest of the answer arrives.
    const text = await response.text().catch(() => "");
    return outcomeOf(response.status, text);
  } catch (error) {
    return neverConnected(error) ? "refused" : "unknown";
  }
}

/** Nobody listened, so nothing can have been kept. */
function neverConnected(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}

function outcomeOf(status: number, text: string): Outcome {
  if (status === 200) return "acknowledged";
  // The one refusal that says of itself that the events may have been kept.
  if (text.includes('"log_failed"')) return "unknown";
  return status < 500 || status === 503 || status === 507 ? "refused" : "unknown";
}
