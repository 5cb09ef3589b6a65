import { WeirError } from "../errors.ts";
import type { Http } from "../http.ts";
import { reasonOf } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";
import { batchSize, sendIn } from "./decide.ts";
import { Delivery } from "./delivery.ts";
import type { Parcel, TroubleChange } from "./delivery.ts";
import { writeEvent } from "./event.ts";
import type { NewEvent, Outcome, Unwritable, Written } from "./event.ts";
import { checkedOptions } from "./sender-options.ts";
import type { SenderOptions } from "./sender-options.ts";

/** An event that has its place among those to be sent. */
export interface Sent {
  readonly eventId: string;
  /** Never rejects. */
  readonly outcome: Promise<Outcome>;
}

/** How many events had which outcome; `waiting` have none yet. */
export interface SenderCounts {
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
  readonly waiting: number;
}

interface Queued extends Parcel {
  readonly number: number;
  readonly since: number;
}

interface Waiter {
  readonly number: number;
  readonly bytes: number;
  readonly enter: () => void;
  readonly turnAway: (error: Error) => void;
}

/**
 * Gathers events into requests and sends them until each has an outcome. It keeps a bounded number: whoever sends waits for a
 * place, and nothing is dropped. Whoever does not wait is refused by `queue_full` when calls wait with as many events, or bytes, as
 * there are places.
 */
export class Sender {
  readonly #options: ReturnType<typeof checkedOptions>;
  readonly #surroundings: Surroundings;
  readonly #delivery: Delivery;
  readonly #ending = new AbortController();
  readonly #counts = { accepted: 0, refused: 0, failed: 0 };
  #queue: Queued[] = [];
  #queueBytes = 0;
  /** Of the queue and of what is under way. */
  #held = { events: 0, bytes: 0 };
  #waiters: Waiter[] = [];
  #waitersBytes = 0;
  readonly #underWay = new Set<readonly Queued[]>();
  #numbers = 0;
  /** Requests that are tried again. */
  #troubles = 0;
  #trouble: WeirError | undefined;
  /** Up to this number everything is to be sent without delay. */
  #urgentTo = 0;
  #idle: { readonly number: number; readonly resolve: () => void }[] = [];
  #cancelTimer: () => void = () => {};
  /** The signal may live much longer than this, and is not to keep it. */
  #forgetSignal: () => void = () => {};
  #closed: Error | undefined;

  /** @throws TypeError for a bound with which nothing could be sent. */
  constructor(http: Http, surroundings: Surroundings, { signal, ...options }: SenderOptions = {}) {
    this.#options = checkedOptions(options);
    this.#surroundings = surroundings;
    const { wait, retryForMs, retryFirstMs: firstMs, retryMostMs: mostMs } = this.#options;
    const patience = { retryForMs, firstMs, mostMs };
    const trouble = (change: TroubleChange): void => this.#troubled(change);
    this.#delivery = new Delivery({ http, surroundings, wait, patience, signal: this.#ending.signal, trouble });
    if (signal?.aborted) this.#giveUp(reasonOf(signal));
    const aborted = (): void => this.#giveUp(reasonOf(signal));
    signal?.addEventListener("abort", aborted, { once: true });
    this.#forgetSignal = () => signal?.removeEventListener("abort", aborted);
  }

  get counts(): SenderCounts {
    return { ...this.#counts, waiting: this.#held.events };
  }

  /** Why a request is being tried again now, as it failed last; undefined while all is well. */
  get trouble(): WeirError | undefined {
    return this.#trouble;
  }

  /**
   * Resolves as soon as the event has its place. Its id, made here where it has none, stays the same however often it is sent.
   * @throws WeirError `closed`, `queue_full`; the signal's reason when that aborts while there is no place.
   */
  async send(event: NewEvent, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Sent> {
    if (this.#closed) throw this.#closed;
    if (signal?.aborted) throw reasonOf(signal);
    const written = writeEvent(event, this.#surroundings);
    if ("why" in written) return this.#unwritable(written);
    const number = ++this.#numbers;
    if (this.#waiters.length > 0 || !this.#hasRoom(written.bytes)) return this.#place(number, written, signal);
    this.#hold(written.bytes);
    return this.#enqueue(number, written);
  }

  /** Sends what waits at once. Resolves when everything that was sent before has its outcome. */
  flush(): Promise<void> {
    this.#urgentTo = this.#numbers;
    return new Promise((resolve) => {
      this.#idle.push({ number: this.#urgentTo, resolve });
      this.#go();
      this.#tellIdle();
    });
  }

  /** Takes no more events, and sends those that it has; after `withinMs` it gives up the rest. Answers what became of all. */
  async close({ withinMs = Infinity }: { readonly withinMs?: number } = {}): Promise<SenderCounts> {
    this.#closed ??= new WeirError("closed", "the sender was closed; make another one to send more");
    const late = (): void =>
      this.#giveUp(new WeirError("closed", `the sender was closed before these were sent, within ${withinMs} ms`));
    const cancel = withinMs === Infinity ? () => {} : this.#surroundings.after(withinMs, late);
    await this.flush();
    cancel();
    this.#forgetSignal();
    return this.counts;
  }

  #unwritable({ eventId, path, why }: Unwritable): Sent {
    this.#counts.refused += 1;
    return { eventId, outcome: Promise.resolve({ status: "refused", problems: [{ path, message: why }] }) };
  }

  #hasRoom(bytes: number): boolean {
    const { events, bytes: heldBytes } = this.#held;
    if (events === 0) return true;
    return events < this.#options.queueEventsMax && heldBytes + bytes <= this.#options.queueBytesMax;
  }

  #hold(bytes: number): void {
    this.#held = { events: this.#held.events + 1, bytes: this.#held.bytes + bytes };
  }

  /** Waits for a place. The event is in the queue as soon as it has one: nothing that is sent later comes before it. */
  #place(number: number, written: Written, signal: AbortSignal | undefined): Promise<Sent> {
    this.#checkWaiters(written.bytes);
    // What has a place is not to wait for others, which can't come.
    this.#urgentTo = number - 1;
    return new Promise((resolve, reject) => {
      const leave = (): void => (this.#leave(waiter), reject(reasonOf(signal)));
      const done = (): void => signal?.removeEventListener("abort", leave);
      const enter = (): void => (done(), resolve(this.#enqueue(number, written)));
      const turnAway = (error: Error): void => (done(), reject(error));
      const waiter = { number, bytes: written.bytes, enter, turnAway };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiters.push(waiter);
      this.#waitersBytes += waiter.bytes;
      this.#go();
    });
  }

  /** What they bring is kept as well, though it has no place. */
  #checkWaiters(bytes: number): void {
    const { queueEventsMax, queueBytesMax } = this.#options;
    const isTooLarge = this.#waiters.length > 0 && this.#waitersBytes + bytes > queueBytesMax;
    if (this.#waiters.length < queueEventsMax && !isTooLarge) return;
    const what = isTooLarge ? `events of ${queueBytesMax} bytes` : `${queueEventsMax} events`;
    const message = `${what} wait already, and as many in calls of send for a place: await send before you send more`;
    throw new WeirError("queue_full", message);
  }

  #leave(waiter: Waiter): void {
    if (this.#waiters.includes(waiter)) this.#waitersBytes -= waiter.bytes;
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    this.#tellIdle();
  }

  #enqueue(number: number, written: Written): Sent {
    const { promise, settle } = this.#outcome(written.bytes);
    if (this.#ending.signal.aborted) settle({ status: "failed", error: reasonOf(this.#ending.signal) });
    else {
      this.#queue.push({ ...written, number, since: this.#surroundings.elapsed(), settle });
      this.#queueBytes += written.bytes;
      this.#go();
    }
    return { eventId: written.eventId, outcome: promise };
  }

  #outcome(bytes: number): { promise: Promise<Outcome>; settle: (outcome: Outcome) => void } {
    let resolve: (outcome: Outcome) => void = () => {};
    let isSettled = false;
    const promise = new Promise<Outcome>((resolved) => (resolve = resolved));
    const settle = (outcome: Outcome): void => {
      if (isSettled) return;
      isSettled = true;
      this.#counts[outcome.status] += 1;
      this.#held = { events: this.#held.events - 1, bytes: this.#held.bytes - bytes };
      resolve(outcome);
      this.#letIn();
    };
    return { promise, settle };
  }

  #letIn(): void {
    for (let first = this.#waiters[0]; first && this.#hasRoom(first.bytes); first = this.#waiters[0]) {
      this.#waiters.shift();
      this.#waitersBytes -= first.bytes;
      this.#hold(first.bytes);
      first.enter();
    }
  }

  /** Starts requests that are due, or sets the timer for the next. Nothing is begun while one is tried again. */
  #go(): void {
    this.#cancelTimer();
    while (this.#underWay.size < this.#options.requestsMax && this.#troubles === 0) {
      const ms = sendIn(this.#gathered(), this.#options);
      if (ms === undefined) return;
      if (ms > 0) return void (this.#cancelTimer = this.#surroundings.after(ms, () => this.#go()));
      void this.#start();
    }
  }

  #gathered() {
    const first = this.#queue[0];
    return {
      events: this.#queue.length,
      bytes: this.#queueBytes,
      waitedMs: first === undefined ? 0 : this.#surroundings.elapsed() - first.since,
      isUrgent: first !== undefined && first.number <= this.#urgentTo,
    };
  }

  #troubled({ by, why }: TroubleChange): void {
    this.#troubles += by;
    this.#trouble = this.#troubles === 0 ? undefined : (why ?? this.#trouble);
    if (by !== 0) this.#go();
  }

  async #start(): Promise<void> {
    const batch = this.#queue.splice(0, batchSize(this.#queue, this.#options));
    for (const { bytes } of batch) this.#queueBytes -= bytes;
    this.#underWay.add(batch);
    await this.#delivery.deliver(batch);
    this.#underWay.delete(batch);
    this.#go();
    this.#tellIdle();
  }

  #giveUp(error: Error): void {
    this.#closed ??= error;
    this.#ending.abort(error);
    for (const { turnAway } of this.#waiters.splice(0)) turnAway(error);
    this.#waitersBytes = 0;
    for (const { settle } of this.#queue.splice(0)) settle({ status: "failed", error });
    this.#queueBytes = 0;
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.#idle.length === 0) return;
    const open = [this.#queue[0], this.#waiters[0], ...[...this.#underWay].map(([first]) => first)];
    const oldest = Math.min(...open.map((one) => one?.number ?? Infinity));
    const done = this.#idle.filter(({ number }) => number < oldest);
    this.#idle = this.#idle.filter(({ number }) => number >= oldest);
    for (const { resolve } of done) resolve();
  }
}
