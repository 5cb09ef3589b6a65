import type { WeirError } from "../errors.ts";
import type { Http } from "../http.ts";
import { timeText } from "../stats.ts";
import { reasonOf } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Carrier } from "./carrier.ts";
import { eventCarrier } from "./event-carrier.ts";
import { Follower } from "./follower.ts";
import { LiveLine, linePace } from "./live-line.ts";
import type { LinePace } from "./live-line.ts";
import { mistakeIn } from "./mistake.ts";
import { socketCarrier } from "./socket-carrier.ts";
import type { LiveState, WatchOptions } from "./state.ts";

export interface LiveOptions extends WatchOptions {
  /** `events`: Server-Sent Events, where sockets don't get through; each subscription has a connection of its own. */
  readonly over?: "socket" | "events";
}

export interface Subscription {
  /** As it is now. */
  readonly state: LiveState;
  readonly unsubscribe: () => void;
}

/** Follows rules live. Everybody who watches over sockets has one socket, as long as a rule is watched in one way. */
export class Live {
  readonly #http: Http;
  readonly #surroundings: Surroundings;
  readonly #pace: LinePace;
  readonly #sockets: LiveLine[] = [];
  readonly #streams = new Set<LiveLine>();
  /** Loops over states. */
  readonly #loops = new Set<() => void>();

  constructor(http: Http, surroundings: Surroundings, pace: LinePace = linePace) {
    this.#http = http;
    this.#surroundings = surroundings;
    this.#pace = pace;
  }

  /**
   * `listener` is told each state of the rule, until the subscription is ended; several changes at once are one. What already
   * holds, as others watch the rule, is told soon after.
   */
  subscribe(rule: string, listener: (state: LiveState) => void, options: LiveOptions = {}): Subscription {
    const { line, follower } = this.#follow(wantedOf(rule, options), options);
    const stop = listenTo(follower, listener);
    const unsubscribe = (): void => {
      stop();
      if (line && !follower.isWatched) this.#leave(line, follower);
    };
    return {
      get state() {
        return follower.state;
      },
      unsubscribe,
    };
  }

  /**
   * The states of rules as they change; whoever takes long gets the newest of each. Ends when the loop is left, also by who does not
   * wait for the next state any more, and by `close`.
   * @throws WeirError why a rule can't be followed any more; the signal's reason when that aborts.
   */
  states(
    rules: string | readonly string[],
    { signal, ...options }: LiveOptions & { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<LiveState, void> {
    const waiting: Waiting = { isOver: false, wake: () => {} };
    return leftAtOnce(this.#states([rules].flat(), options, signal, waiting), waiting);
  }

  async *#states(
    rules: readonly string[],
    options: LiveOptions,
    signal: AbortSignal | undefined,
    waiting: Waiting,
  ): AsyncGenerator<LiveState, void> {
    if (signal?.aborted) throw reasonOf(signal);
    const changed = new Map<string, LiveState>();
    /** What the loop began with. */
    const first = new WeakSet<LiveState>();
    const closed = (): void => end(waiting);
    this.#loops.add(closed);
    const aborted = (): void => waiting.wake();
    signal?.addEventListener("abort", aborted, { once: true });
    // That a rule is connecting is the first that is told of it; how far, is of no use to a loop.
    const heard = (state: LiveState): void => {
      if (state.status !== "connecting") changed.set(state.rule, state);
      waiting.wake();
    };
    const subscriptions = rules.map((rule) => this.subscribe(rule, heard, options));
    try {
      for (const { state } of subscriptions) {
        first.add(state);
        yield state;
      }
      for (;;) {
        if (signal?.aborted) throw reasonOf(signal);
        if (waiting.isOver) return;
        const [next] = changed;
        if (next === undefined) await new Promise<void>((resolve) => (waiting.wake = resolve));
        else {
          changed.delete(next[0]);
          if (next[1].error) throw next[1].error;
          if (!first.has(next[1])) yield next[1];
        }
      }
    } finally {
      this.#loops.delete(closed);
      signal?.removeEventListener("abort", aborted);
      for (const { unsubscribe } of subscriptions) unsubscribe();
    }
  }

  /** Ends all lines, and loops over states. What is subscribed gets nothing any more. */
  close(): void {
    for (const closed of this.#loops) closed();
    for (const line of [...this.#sockets.splice(0), ...this.#streams]) line.rest();
    this.#streams.clear();
  }

  #follow(wanted: Follower["wanted"], { over }: LiveOptions): { line?: LiveLine; follower: Follower } {
    const mistake = mistakeIn(wanted);
    if (mistake) return { follower: refused(wanted, mistake) };
    return over === "events" ? this.#onStream(wanted) : this.#onSocket(wanted);
  }

  /** The first socket on which the rule is not watched and has room, or is watched in the same way. */
  #onSocket(wanted: Follower["wanted"]): { line: LiveLine; follower: Follower } {
    for (const line of this.#sockets) {
      const follower = line.follower(wanted.rule);
      if (follower && !follower.isOver && isAlike(follower.wanted, wanted)) return { line, follower };
      if (!follower && !line.isFull) return { line, follower: line.watch(wanted) };
    }
    const url = `${this.#http.address.replace(/^http/i, "ws")}/live-stats`;
    const line = this.#line(socketCarrier(url, this.#surroundings.openSocket));
    this.#sockets.push(line);
    return { line, follower: line.watch(wanted) };
  }

  #onStream(wanted: Follower["wanted"]): { line: LiveLine; follower: Follower } {
    const line = this.#line(eventCarrier(this.#http));
    this.#streams.add(line);
    return { line, follower: line.watch(wanted) };
  }

  #line(carrier: Carrier): LiveLine {
    return new LiveLine(carrier, this.#surroundings, this.#pace);
  }

  #leave(line: LiveLine, follower: Follower): void {
    line.unwatch(follower);
    if (this.#streams.delete(line)) line.rest();
  }
}

/** What a loop waits by while there is nothing to tell. */
interface Waiting {
  isOver: boolean;
  wake: () => void;
}

function end(waiting: Waiting): void {
  waiting.isOver = true;
  waiting.wake();
}

/** A generator hears that it is left only when it goes on: one that waits for a rule in which nothing changes would keep its subscription. */
function leftAtOnce(loop: AsyncGenerator<LiveState, void>, waiting: Waiting): AsyncGenerator<LiveState, void> {
  const [leave, fail] = [loop.return.bind(loop), loop.throw.bind(loop)];
  loop.return = (value) => (end(waiting), leave(value));
  loop.throw = (error) => (end(waiting), fail(error));
  return loop;
}

/** Tells each state once, and what already holds before anything changes. Returns how to stop that. */
function listenTo(follower: Follower, listener: (state: LiveState) => void): () => void {
  let told: LiveState | undefined;
  let isOver = false;
  const tell = (): void => {
    if (isOver || told === follower.state) return;
    told = follower.state;
    listener(told);
  };
  const stop = follower.listen(tell);
  // Not at once: whoever subscribes has no subscription yet.
  if (follower.state.status !== "connecting") queueMicrotask(tell);
  return () => ((isOver = true), stop());
}

/** On no line: it would be refused with others. */
function refused(wanted: Follower["wanted"], mistake: WeirError): Follower {
  const follower = new Follower(wanted);
  follower.refuse(mistake);
  return follower;
}

function wantedOf(rule: string, { intervalMs, from }: WatchOptions): Follower["wanted"] {
  return { rule, intervalMs, from: timeText(from) };
}

const isAlike = (a: Follower["wanted"], b: Follower["wanted"]): boolean =>
  a.intervalMs === b.intervalMs && a.from === b.from;
