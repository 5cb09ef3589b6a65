import { WeirError } from "../errors.ts";
import { reasonOf } from "../surroundings.ts";
import type { NewEvent, Outcome } from "./event.ts";
import type { Sender } from "./sender.ts";
import { until } from "./until.ts";

/** An event that was not accepted, by its place among those that were given. */
export type Trouble = { readonly index: number; readonly event_id: string } & Exclude<Outcome, { status: "accepted" }>;

export interface Ingested {
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
  /** All that were given up, with the ids by which they can be sent again, and the first 1,000 that were refused; in their order. */
  readonly problems: readonly Trouble[];
}

const refusedListedMax = 1000;

/**
 * Sends all events, as many at a time as the sender keeps, and says what became of them; then the sender is closed. `signal` is
 * the one that the sender has.
 * @throws WeirError whose `details` are what became of all that were given so far: the first failure, when the events of a request
 * had to be given up; what the source of the events has thrown, or the signal's reason, as the `cause` of `interrupted`.
 */
export async function ingestAll(
  sender: Sender,
  events: Iterable<NewEvent> | AsyncIterable<NewEvent>,
  signal?: AbortSignal,
): Promise<Ingested> {
  // The source may rest for long: it is not waited for once there is nothing to go on for.
  const ending = new AbortController();
  const aborted = (): void => ending.abort(reasonOf(signal));
  if (signal?.aborted) aborted();
  signal?.addEventListener("abort", aborted, { once: true });
  try {
    const end = (failure: Error): void => ending.abort(failure);
    return await sendAll({ sender, events: until(events, ending.signal), signal, end });
  } finally {
    signal?.removeEventListener("abort", aborted);
  }
}

interface Work {
  readonly sender: Sender;
  readonly events: AsyncIterable<NewEvent>;
  readonly signal: AbortSignal | undefined;
  /** Ends the events. */
  readonly end: (failure: Error) => void;
}

async function sendAll({ sender, events, signal, end }: Work): Promise<Ingested> {
  const troubles = { refused: [] as Trouble[], failed: [] as Trouble[] };
  let failure: Error | undefined;
  /** By the sender itself. */
  let thrown: unknown;
  const told = (index: number, event_id: string, outcome: Outcome): void => {
    if (outcome.status === "failed" && failure === undefined) {
      failure = outcome.error;
      // The rest is not tried for as long each.
      void sender.close({ withinMs: 0 });
      end(failure);
    }
    if (outcome.status === "accepted") return;
    const listed = troubles[outcome.status];
    // Of those that failed there are no more than a sender keeps.
    if (outcome.status === "failed" || listed.length < refusedListedMax) listed.push({ index, event_id, ...outcome });
  };
  const tellings = new Set<Promise<void>>();
  const send = async (): Promise<void> => {
    let index = 0;
    for await (const event of events) {
      const at = index++;
      const { eventId, outcome } = await sender.send(event).catch((error: unknown) => {
        thrown = failure ?? error;
        throw thrown;
      });
      const telling = outcome.then((became) => (told(at, eventId, became), void tellings.delete(telling)));
      tellings.add(telling);
    }
  };
  const interruption = await send().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  // Those that were given are sent, and nothing goes on behind the caller's back.
  const { accepted, refused, failed } = await sender.close();
  await Promise.all(tellings);
  const problems = [...troubles.refused, ...troubles.failed].sort((a, b) => a.index - b.index);
  const ingested = { accepted, refused, failed, problems };
  const ended = interruption ?? (failure && { error: failure });
  if (ended === undefined) return ingested;
  // Events may come from another server: how that has failed is not how these have.
  const isSenders = (ended.error === failure || ended.error === thrown) && ended.error !== signal?.reason;
  throw isSenders && ended.error instanceof WeirError
    ? withDetails(ended.error, ingested)
    : interrupted(ended.error, ingested);
}

function interrupted(cause: unknown, details: Ingested): WeirError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new WeirError("interrupted", `not all events were sent: ${why}`, { details, cause });
}

function withDetails(cause: WeirError, details: Ingested): WeirError {
  const { code, message, status } = cause;
  return new WeirError(code, message, { details, cause, ...(status === undefined ? {} : { status }) });
}
