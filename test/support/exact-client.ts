import type { Client } from "../../src/live/client.ts";
import type { LiveConnection } from "../../src/live/hub.ts";
import type { CloseReason } from "../../src/protocol/live.ts";
import { Assembler } from "./assembler.ts";
import type { ExactMessage } from "./assembler.ts";

export interface Watch {
  readonly interval_ms?: number;
  readonly from?: string;
}

/**
 * A client of the exact protocol in memory. What it was sent waits until it reads; when its line ends, what it has not read
 * is lost, and it comes back with what it has.
 */
export class ExactTestClient implements Client {
  readonly assembler = new Assembler();
  /** The rules that it wants to watch, whether or not it is connected. */
  readonly watches = new Map<string, Watch>();
  /** What it has read, for tests that look at single messages. */
  readonly messages: ExactMessage[] = [];
  closedFor: CloseReason | undefined;
  readonly #connect: (client: Client) => LiveConnection;
  #connection: LiveConnection | undefined;
  #inbox: string[] = [];

  constructor(connect: (client: Client) => LiveConnection) {
    this.#connect = connect;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  send(text: string): void {
    if (this.isConnected) this.#inbox.push(text);
  }

  bufferedBytes(): number {
    return this.#inbox.reduce((sum, text) => sum + text.length, 0);
  }

  close(reason: CloseReason): void {
    this.closedFor = reason;
    this.drop();
  }

  watch(ruleId: string, watch: Watch = {}): void {
    // What was sent before the question belongs to the subscription of before.
    this.read();
    this.watches.set(ruleId, watch);
    if (!this.isConnected) return;
    this.assembler.subscribe(ruleId);
    this.say({ subscribe_rules: [ruleId], mode: "delta", ...watch });
  }

  unwatch(ruleId: string): void {
    this.watches.delete(ruleId);
    if (!this.isConnected) return;
    this.say({ unsubscribe_rules: [ruleId] });
    this.read();
    this.assembler.unsubscribe(ruleId);
  }

  say(message: object): void {
    this.#connection?.receive(JSON.stringify(message));
  }

  /** Comes back, and goes on where it was. */
  connect(): void {
    if (this.isConnected) return;
    this.closedFor = undefined;
    this.#connection = this.#connect(this);
    for (const [ruleId, watch] of this.watches) {
      const place = this.assembler.resume(ruleId);
      if (place === undefined) this.assembler.subscribe(ruleId);
      const resume = place && { resume: { [ruleId]: place } };
      this.say({ subscribe_rules: [ruleId], mode: "delta", ...watch, ...resume });
    }
  }

  /** The line ends. */
  drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#inbox = [];
    connection?.closed();
  }

  /** Reads so many messages, or all. @throws Error when they break the protocol. */
  read(count = Infinity): void {
    for (let left = Math.min(count, this.#inbox.length); left > 0; left--) {
      const message: ExactMessage = JSON.parse(this.#inbox.shift()!);
      if (this.messages.push(message) > 50) this.messages.shift();
      this.assembler.take(message);
      if (message.type === "error" && message.rule_id !== undefined) this.watches.delete(message.rule_id);
    }
  }

  /** The oldest message that it has not read gets lost, as no line should lose one. */
  lose(): void {
    this.#inbox.shift();
  }
}
