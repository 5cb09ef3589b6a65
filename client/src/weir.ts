import { WeirError } from "./errors.ts";
import { Http } from "./http.ts";
import type { Query } from "./http.ts";
import type { NewEvent } from "./ingest/event.ts";
import { ingestAll } from "./ingest/ingest.ts";
import type { Ingested } from "./ingest/ingest.ts";
import { Sender } from "./ingest/sender.ts";
import type { SenderOptions } from "./ingest/sender-options.ts";
import { Live } from "./live/live.ts";
import type { LiveOptions, Subscription } from "./live/live.ts";
import type { LinePace } from "./live/live-line.ts";
import { linePace } from "./live/live-line.ts";
import type { LiveState } from "./live/state.ts";
import { Rules } from "./rules.ts";
import { Events, Stats } from "./stats.ts";
import { platform } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";
import type { StatusAnswer } from "./wire.ts";

export interface WeirOptions {
  /** Where events are sent; http://localhost:8000. */
  readonly ingestUrl?: string;
  /** Where rules and windows are asked for and followed; http://localhost:8001. */
  readonly queryUrl?: string;
  /** Go with every request, for what stands in front of the server; a browser gives sockets none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long an answer may take, ms; 30,000. Infinity: as long as it takes. */
  readonly timeoutMs?: number;
  /** Instead of the platform's own, for tests. */
  readonly surroundings?: Partial<Surroundings>;
  /** How lines that end are opened again, for tests. */
  readonly livePace?: Partial<LinePace>;
}

/** A server of Weir. */
export class Weir {
  readonly rules: Rules;
  readonly stats: Stats;
  readonly events: Events;
  readonly #ingest: Http;
  readonly #query: Http;
  readonly #live: Live;
  readonly #surroundings: Surroundings;

  constructor(options: WeirOptions = {}) {
    const { ingestUrl = "http://localhost:8000", queryUrl = "http://localhost:8001" } = options;
    const asking = { headers: options.headers ?? {}, timeoutMs: options.timeoutMs ?? 30_000 };
    this.#surroundings = { ...platform, ...options.surroundings };
    this.#ingest = new Http(ingestUrl, this.#surroundings, asking);
    this.#query = new Http(queryUrl, this.#surroundings, asking);
    this.rules = new Rules(this.#query);
    this.stats = new Stats(this.#query);
    this.events = new Events(this.#query);
    this.#live = new Live(this.#query, this.#surroundings, { ...linePace, ...options.livePace });
  }

  /**
   * Sends all events and says what became of them. Tries again for a minute, if `retryForMs` says nothing else.
   * @throws WeirError whose `details` say what became of all that were given so far: why events had to be given up; `interrupted`, when
   * the events' source throws, or the signal aborts, also while the source rests.
   */
  async ingest(events: Iterable<NewEvent> | AsyncIterable<NewEvent>, options: SenderOptions = {}): Promise<Ingested> {
    return ingestAll(this.sender({ retryForMs: 60_000, ...options }), events, options.signal);
  }

  /** For a program that sends events as they happen. */
  sender(options: SenderOptions = {}): Sender {
    return new Sender(this.#ingest, this.#surroundings, options);
  }

  /** What an operator asks first: lag, rates, late, duplicates, rejects, the health of each part. */
  status(): Promise<StatusAnswer> {
    return this.#query.json({ path: "/status" });
  }

  /** The states of rules as they change, for `for await`. @throws as `Live.states`. */
  live(
    rules: string | readonly string[],
    options: LiveOptions & { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<LiveState, void> {
    return this.#live.states(rules, options);
  }

  /** Tells each state of a rule to `listener`, until the subscription is ended. */
  subscribe(rule: string, listener: (state: LiveState) => void, options: LiveOptions = {}): Subscription {
    return this.#live.subscribe(rule, listener, options);
  }

  /** Asks for anything else of the query port, and answers the text. @throws WeirError */
  async ask(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    query: Query = {},
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    return (await this.#query.ask({ method, path, query, signal })).text;
  }

  /** Ends what is live. Senders are closed by themselves. */
  close(): void {
    this.#live.close();
  }
}

export { WeirError };
export type { WeirErrorCode } from "./errors.ts";
export type { NewEvent, Outcome } from "./ingest/event.ts";
export type { Ingested, Trouble } from "./ingest/ingest.ts";
export type { Sender, SenderCounts, Sent } from "./ingest/sender.ts";
export type { SenderOptions } from "./ingest/sender-options.ts";
export type { LiveOptions, Subscription } from "./live/live.ts";
export type { LiveState } from "./live/state.ts";
export type { IfMatch, RuleChange } from "./rules.ts";
export type { EventsQuestion, Moment, StatsQuestion } from "./stats.ts";
export type * from "./wire.ts";
