import type { Client } from "../../src/live/client.ts";
import type { LiveConnection } from "../../src/live/hub.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { CloseReason } from "../../src/protocol/live.ts";

export interface Push {
  readonly rule_id: string;
  readonly timestamp: string;
  readonly data: (string | number | null)[][];
  readonly truncated?: true;
}

interface Received extends Partial<Push> {
  readonly type?: string;
  readonly code?: string;
}

/** A client in memory: keeps what it was sent, puts the rows together, and reads as fast as it is told to. */
export class LiveClient implements Client {
  readonly received: { readonly at: number; readonly message: Received }[] = [];
  /** Per rule and row key the value. */
  readonly assembled = new Map<string, Map<string, number>>();
  closedFor: CloseReason | undefined;
  /** Bytes that it has not read. */
  backlog = 0;
  connection: LiveConnection | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  send(text: string): void {
    const message: Received = JSON.parse(text);
    this.received.push({ at: this.#clock.now(), message });
    if (message.data) this.#assemble(message as Push);
  }

  bufferedBytes(): number {
    return this.backlog;
  }

  close(reason: CloseReason): void {
    this.closedFor = reason;
    this.connection?.closed();
  }

  say(message: object): void {
    this.connection?.receive(JSON.stringify(message));
  }

  /** What it was sent since the last time this was asked. */
  take(): Received[] {
    return this.received.splice(0).map(({ message }) => message);
  }

  #assemble({ rule_id, data }: Push): void {
    const rows = this.assembled.get(rule_id) ?? new Map<string, number>();
    for (const row of data) rows.set(JSON.stringify(row.slice(0, -1)), Number(row.at(-1)));
    this.assembled.set(rule_id, rows);
  }
}
