/** An event as a client sends it. */
export interface WireEvent {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  readonly timestamp: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What a client knows after one sending. */
export type Outcome = "acknowledged" | "refused" | "unknown";

export interface Entry {
  readonly event: WireEvent;
  acknowledged: boolean;
  /** Some sending ended without an answer, so the server may have kept the event. */
  unknown: boolean;
  sendings: number;
}

/**
 * What a client outside the server knows of every event: the judge of what may and what must be counted. An event that
 * was sent several times must be counted if any sending was acknowledged, may be if any is unknown, and must not be
 * if all were refused.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #sendings: Record<Outcome, number> = { acknowledged: 0, refused: 0, unknown: 0 };

  /** Writes down that these events were sent, before they are. The same id must always carry the same event. */
  sent(events: Iterable<WireEvent>): void {
    for (const event of events) {
      const entry = this.#entries.get(event.event_id);
      if (entry === undefined) this.#entries.set(event.event_id, newEntry(event));
      else entry.sendings += 1;
    }
  }

  settled(events: Iterable<WireEvent>, outcome: Outcome): void {
    this.#sendings[outcome] += 1;
    for (const event of events) {
      const entry = this.#entries.get(event.event_id);
      if (entry === undefined) throw new Error(`settled but never sent: ${event.event_id}`);
      if (outcome === "acknowledged") entry.acknowledged = true;
      if (outcome === "unknown") entry.unknown = true;
    }
  }

  get(eventId: string): Entry | undefined {
    return this.#entries.get(eventId);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Takes out what was asked to be erased: none of these may be there afterwards. Nobody may send them again. */
  erased(isErased: (event: WireEvent) => boolean): number {
    const gone = [...this.#entries.values()].filter(({ event }) => isErased(event));
    for (const { event } of gone) this.#entries.delete(event.event_id);
    return gone.length;
  }

  /** Events by what is known of them, and requests by how each sending ended. */
  summary(): {
    acknowledged: number;
    unknown: number;
    refused: number;
    repeated: number;
    requests: Record<Outcome, number>;
  } {
    const counts = { acknowledged: 0, unknown: 0, refused: 0, repeated: 0, requests: { ...this.#sendings } };
    for (const entry of this.#entries.values()) {
      if (entry.acknowledged) counts.acknowledged += 1;
      else if (entry.unknown) counts.unknown += 1;
      else counts.refused += 1;
      if (entry.sendings > 1) counts.repeated += 1;
    }
    return counts;
  }
}

function newEntry(event: WireEvent): Entry {
  return { event, acknowledged: false, unknown: false, sendings: 1 };
}
