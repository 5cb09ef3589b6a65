import type { Clock } from "../lib/clock.ts";
import type { CloseReason, LiveErrorCode } from "../protocol/live.ts";
import type { Client } from "./client.ts";
import { judgeBacklog, spendMessage } from "./decide.ts";
import type { MessageBudget } from "./decide.ts";
import { errorText } from "./frames.ts";
import type { LiveLimits } from "./limits.ts";
import type { Receiver, Subscriber } from "./subscriber.ts";

/** One client: its subscriptions by rule, and whether it keeps up. */
export class Connection implements Receiver {
  readonly subscriptions = new Map<string, Subscriber>();
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  #budget: MessageBudget;
  #backlogSince: number | null = null;
  #closed = false;

  constructor(client: Client, clock: Clock, limits: LiveLimits) {
    this.#client = client;
    this.#clock = clock;
    this.#limits = limits;
    this.#budget = { left: limits.messagesBurst, at: clock.monotonic() };
  }

  offer(text: string): boolean {
    if (!this.keepsUp()) return false;
    this.#client.send(text);
    return true;
  }

  /** Tells the client of a mistake; one that does not read has had its chance. */
  refuse(code: LiveErrorCode, message: string, ruleId?: string): void {
    this.offer(errorText(code, message, ruleId));
  }

  /** Whether one more message may be taken; a client that sends too many is closed. */
  mayReceive(): boolean {
    if (this.#closed) return false;
    const budget = spendMessage(
      this.#budget,
      this.#clock.monotonic(),
      this.#limits.messagesPerSecond,
      this.#limits.messagesBurst,
    );
    if (budget) this.#budget = budget;
    else this.close("too_many_messages");
    return budget !== undefined;
  }

  /** Looks at the backlog: whether the client takes more now. A hopeless one is closed. */
  keepsUp(): boolean {
    if (this.#closed) return false;
    const { since, verdict } = judgeBacklog(
      this.#backlogSince,
      this.#client.bufferedBytes(),
      this.#clock.monotonic(),
      this.#limits,
    );
    this.#backlogSince = since;
    if (verdict === "close") this.close("too_slow");
    return verdict === "open";
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.close(reason);
  }
}
