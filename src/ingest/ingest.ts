import type { OffsetRange } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { Log } from "../log/log.ts";
import type { Progress } from "../progress/progress.ts";
import { BodyBudget } from "./budget.ts";
import type { BodyShare } from "./budget.ts";
import { ReadMemory } from "./collector.ts";
import type { ReadEvents, RefusedEvent } from "./collector.ts";
import { readEvents } from "./read.ts";
import type { Form } from "./read.ts";
import { rangesOf, tokenOf } from "./token.ts";

export interface IngestLimits {
  /** Events of one request. */
  readonly eventsMax: number;
  /** Bytes of one body, decoded. */
  readonly bodyBytesMax: number;
  /** Bytes of all bodies that are being received or made durable. */
  readonly inFlightBytesMax: number;
  /** How far ahead of the clock a timestamp may be. */
  readonly futureMaxMs: number;
  /** How long `wait: "counted"` waits at most. */
  readonly countedWaitMaxMs: number;
}

export const defaultIngestLimits: IngestLimits = {
  eventsMax: 10_000,
  bodyBytesMax: 32 * 1024 * 1024,
  inFlightBytesMax: 96 * 1024 * 1024,
  futureMaxMs: 86_400_000,
  countedWaitMaxMs: 60_000,
};

/** How long a stop waits for events to be counted: many times as long as it takes when all is well. */
const stopWaitMs = 1000;

/** What is counted of ingestion. */
export interface IngestMetrics {
  /** Events that are durable now. */
  accepted(events: number): void;
  /** Events that broke the contract, in requests that were refused as a whole or in part. */
  refused(events: number): void;
  /** Bytes of a body, decoded. */
  body(bytes: number): void;
}

export interface IngestParts {
  readonly log: Pick<Log, "append" | "ends" | "state">;
  readonly progress: Pick<Progress, "isCounted" | "waitCounted">;
  readonly clock: Clock;
  readonly metrics?: IngestMetrics;
  readonly limits?: Partial<IngestLimits>;
}

export interface AcceptOptions {
  readonly partial: boolean;
  readonly wait: "durable" | "counted";
  /** Ends the wait, not the append: the client is gone. */
  readonly signal?: AbortSignal;
  /** Called once the events are durable and their bytes are needed no more, before any wait for counting. */
  readonly durable?: () => void;
}

export interface Accepted {
  readonly count: number;
  readonly token: string;
  readonly refusedCount: number;
  readonly refused: readonly RefusedEvent[];
}

type Kept = Omit<Accepted, "token"> & { readonly ranges: readonly OffsetRange[] };

export interface TokenStatus {
  readonly durable: boolean;
  readonly counted: boolean;
}

/** Takes requests of events: checks and packs them, makes them durable, answers for how far they are. */
export class Ingest {
  readonly limits: IngestLimits;
  readonly #parts: IngestParts;
  readonly #budget: BodyBudget;
  readonly #memory = new ReadMemory();
  #stopping = false;
  /** Ends every wait for counting: the answer is then what is known. */
  readonly #stopped = new AbortController();

  constructor(parts: IngestParts) {
    this.#parts = parts;
    this.limits = { ...defaultIngestLimits, ...parts.limits };
    this.#budget = new BodyBudget(this.limits.inFlightBytesMax);
  }

  /** Bytes of bodies that are in memory. */
  get inFlightBytes(): number {
    return this.#budget.bytes;
  }

  /**
   * Admits a request before its body is read: the caller grows the share while the body arrives, and releases it when the
   * request is answered.
   * @param bytes as far as the request says how many there will be.
   * @throws WeirError `stopping`, `log_full`, `log_unavailable`
   */
  admit(bytes = 0): BodyShare {
    if (this.#stopping)
      throw new WeirError("stopping", "the server is stopping; try again", { canRetry: true, retryAfterMs: 1000 });
    const state = this.#parts.log.state(bytes);
    if (!state.accepting)
      throw new WeirError(state.code ?? "log_full", state.reason ?? "the log takes no events now", {
        canRetry: true,
        retryAfterMs: state.retryAfterMs ?? 5000,
      });
    return this.#budget.share();
  }

  /**
   * Makes the events of a body durable. The body is not used any more once this has returned its promise.
   * @returns when the events are durable, or with `wait: "counted"` when they are in every active rule.
   * @throws WeirError `invalid_json`, `empty_batch`, `too_many_events`, `invalid_events` (nothing was kept), `timeout` (durable, not counted yet),
   * and what `Log.append` throws.
   */
  accept(body: Buffer, form: Form, options: AcceptOptions): Promise<Accepted> {
    // Not one async function: its frame would hold the body until the events are counted.
    return this.#answer(this.#keep(body, form, options), options);
  }

  async #keep(body: Buffer, form: Form, options: AcceptOptions): Promise<Kept> {
    const { log, clock, metrics } = this.#parts;
    const now = clock.now();
    metrics?.body(body.length);
    const rules = { now, eventsMax: this.limits.eventsMax, timestampMax: now + this.limits.futureMaxMs };
    const read = readEvents(body, form, rules, this.#memory);
    if (read.refusedCount > 0) metrics?.refused(read.refusedCount);
    if (read.refusedCount > 0 && !options.partial) throw invalidEvents(read);
    const { count } = read.accepted;
    const ranges = count > 0 ? await log.append(read.accepted) : [];
    metrics?.accepted(count);
    return { ranges, count, refusedCount: read.refusedCount, refused: read.refused };
  }

  async #answer(keeping: Promise<Kept>, options: AcceptOptions): Promise<Accepted> {
    const { ranges, ...answer } = await keeping;
    options.durable?.();
    const token = tokenOf(ranges);
    if (options.wait === "counted") await this.#untilCounted(ranges, token, options.signal);
    passFailpoint("before-ack");
    return { ...answer, token };
  }

  /**
   * How far the events of a token are; waits up to `waitMs` for them to be counted.
   * @throws WeirError `invalid_token`
   */
  async status(token: string, waitMs: number, signal?: AbortSignal): Promise<TokenStatus> {
    const ranges = rangesOf(token);
    const ends = await this.#parts.log.ends();
    const durable = ranges.every((range) => range.to < (ends.get(range.src) ?? 0));
    if (!durable) return { durable, counted: false };
    const counted =
      this.#parts.progress.isCounted(ranges) || (waitMs > 0 && (await this.#waitCounted(ranges, waitMs, signal)));
    return { durable, counted };
  }

  /** Refuses new requests from now on; those that were admitted go on, and have a moment left to be counted. */
  stop(): void {
    this.#stopping = true;
    void this.#parts.clock.sleep(stopWaitMs).then(() => this.#stopped.abort());
  }

  async #untilCounted(ranges: readonly OffsetRange[], token: string, signal: AbortSignal | undefined): Promise<void> {
    if (await this.#waitCounted(ranges, this.limits.countedWaitMaxMs, signal)) return;
    throw new WeirError("timeout", "the events are durable, but not in every rule yet; ask with the token", {
      details: { token, durable: true, counted: false },
    });
  }

  async #waitCounted(
    ranges: readonly OffsetRange[],
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (this.#parts.progress.isCounted(ranges)) return true;
    const done = new AbortController();
    const either = AbortSignal.any([done.signal, this.#stopped.signal, ...(signal ? [signal] : [])]);
    const timer = this.#parts.clock.sleep(waitMs, either).then(() => done.abort());
    const counted = await this.#parts.progress.waitCounted(ranges, either);
    done.abort();
    await timer;
    return counted;
  }
}

function invalidEvents(read: ReadEvents): WeirError {
  const total = read.accepted.count + read.refusedCount;
  const named = read.refused.length < read.refusedCount ? `; the first ${read.refused.length} are named` : "";
  const details = read.refused.flatMap(({ index, line, problems }) =>
    problems.map((problem) => ({
      index,
      ...(line === undefined ? {} : { line }),
      ...problem,
      path: pathIn(index, problem.path),
    })),
  );
  return new WeirError(
    "invalid_events",
    `${read.refusedCount} of ${total} events break the contract; none was stored${named}`,
    { details },
  );
}

function pathIn(index: number, path: string): string {
  return path === "" || path.startsWith("[") ? `[${index}]${path}` : `[${index}].${path}`;
}
