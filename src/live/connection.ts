import type { Clock } from "../lib/clock.ts";
import type { CloseReason, LiveErrorCode } from "../protocol/live.ts";
import type { Client } from "./client.ts";
import { judgeBacklog, messageCost, openBacklog, spendMessage } from "./decide.ts";
import type { MessageBudget } from "./decide.ts";
import type { Line } from "./exact/machine.ts";
import type { ExactClient, ExactSubscriber, Mark } from "./exact/subscriber.ts";
import { errorText } from "./frames.ts";
import type { LiveLimits } from "./limits.ts";
import type { Outbox, Reader } from "./outbox.ts";
import type { Receiver, Subscriber } from "./subscriber.ts";

/** No rule has this id. */
const noRule = "";

/** How a rule is watched, and how to say that it is not any more. */
interface Watching {
  readonly plain?: Subscriber;
  readonly exact?: ExactSubscriber;
  readonly noMore: () => void;
}

/** One client: its subscriptions by rule, and whether it keeps up. */
export class Connection implements Receiver, ExactClient, Reader {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  readonly #outbox: Outbox;
  /** By rule. */
  readonly #watching = new Map<string, Watching>();
  /** Per rule that is not watched, or no longer, what the client is still to be told of it; made when there is something. */
  #endings: Map<string, string> | undefined;
  #budget: MessageBudget;
  #backlog = openBacklog;
  /** What it has not read is a snapshot, which may be large. */
  #readsSnapshot = false;
  #closed = false;

  constructor(client: Client, clock: Clock, limits: LiveLimits, outbox: Outbox) {
    this.#client = client;
    this.#clock = clock;
    this.#limits = limits;
    this.#outbox = outbox;
    this.#budget = { left: limits.messagesBurst, at: clock.monotonic() };
  }

  /** The rules that it watches. */
  get watched(): ReadonlyMap<string, Watching> {
    return this.#watching;
  }

  /** The rule is watched in one of both ways, until `noMore` is called. */
  watches(ruleId: string, watching: Watching): void {
    this.leaves(ruleId);
    this.#watching.set(ruleId, watching);
  }

  /** @returns how it watched the rule. */
  leaves(ruleId: string): Watching | undefined {
    const watching = this.#watching.get(ruleId);
    watching?.noMore();
    this.#watching.delete(ruleId);
    return watching;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** What it was sent and has not read. */
  get backlogBytes(): number {
    return this.#closed ? 0 : this.#client.bufferedBytes();
  }

  takes(): boolean {
    return this.keepsUp() && !this.#outbox.isFull;
  }

  push(text: string, mark?: Mark, isSnapshot = false): void {
    if (this.#closed) return;
    this.#readsSnapshot ||= isSnapshot;
    this.#client.send(text, mark);
    this.#outbox.sent(this, text.length);
  }

  line(): Line {
    if (!this.keepsUp()) return this.#readsSnapshot ? "busy" : "full";
    return this.#outbox.isFull ? "busy" : "open";
  }

  ended(ruleId: string, code: LiveErrorCode, message: string): void {
    this.leaves(ruleId);
    this.#tell(ruleId, errorText(code, message, ruleId));
  }

  /** The rule is watched anew: that it was not any more is of no interest. */
  begins(ruleId: string): void {
    this.#endings?.delete(ruleId);
  }

  /** Who does not read is told later; what he has would else look as if it were still watched. */
  tellEndings(): void {
    for (const [ruleId, text] of this.#endings ?? []) {
      if (!this.takes()) return this.#outbox.follow(this);
      this.push(text);
      this.#endings?.delete(ruleId);
    }
    this.#endings = undefined;
  }

  /**
   * Tells the client of a mistake, later if it does not read now: it would else wait for a rule for ever. Of those that
   * concern no rule the last one is told.
   */
  refuse(code: LiveErrorCode, message: string, ruleId?: string): void {
    this.#tell(ruleId ?? noRule, errorText(code, message, ruleId));
    if (this.#untold > this.#limits.subscriptionsMax) this.close("too_slow");
  }

  #tell(ruleId: string, text: string): void {
    this.#endings ??= new Map();
    this.#endings.set(ruleId, text);
    this.tellEndings();
  }

  get #untold(): number {
    return this.#endings?.size ?? 0;
  }

  /** Whether a message that names so many rules may be worked off; a client that sends too many is closed. */
  mayReceive(rules: number): boolean {
    const budget = spendMessage(this.#budget, messageCost(rules), this.#clock.monotonic(), this.#limits);
    if (budget) this.#budget = budget;
    else this.close("too_many_messages");
    return budget !== undefined;
  }

  /** For who has not read all, or is still to be told an ending. */
  look(): boolean {
    if (this.keepsUp()) this.tellEndings();
    return !this.#closed && (this.backlogBytes > 0 || this.#untold > 0);
  }

  /** Looks at the backlog: whether the client takes more now. A hopeless one is closed. */
  keepsUp(): boolean {
    if (this.#closed) return false;
    const bytes = this.#client.bufferedBytes();
    // Of ten thousand nearly all have read all: then nothing is to be judged.
    this.#backlog =
      bytes === 0 ? openBacklog : judgeBacklog(this.#backlog, bytes, this.#clock.monotonic(), this.#limits);
    const { verdict } = this.#backlog;
    if (verdict === "open") this.#readsSnapshot = false;
    if (verdict === "close") this.close("too_slow");
    return verdict === "open";
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.forget(this);
    this.#client.close(reason);
  }
}
