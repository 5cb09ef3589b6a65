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
  /** The first 1,000 that were refused, or given up. */
  readonly problems: readonly Trouble[];
}

const listedMax = 1000;

/**
 * Sends all events, as many at a time as the sender keeps, and says what became of them; then the sender is closed. `signal` is
 * the one that the sender has.
 * @throws what the source of the events throws, once those before are settled; the signal's reason when that aborts; the first failure, when the events of a request had to be given up: `details` is then what became of all.
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
    return await sendAll(sender, until(events, ending.signal), (failure) => ending.abort(failure));
  } finally {
    signal?.removeEventListener("abort", aborted);
  }
}

async function sendAll(
  sender: Sender,
  events: AsyncIterable<NewEvent>,
  end: (failure: Error) => void,
): Promise<Ingested> {
  const problems: Trouble[] = [];
  let failure: Error | undefined;
  const told = (index: number, event_id: string, outcome: Outcome): void => {
    if (outcome.status === "failed" && failure === undefined) {
      failure = outcome.error;
      // The rest is not tried for as long each.
      void sender.close({ withinMs: 0 });
      end(failure);
    }
    if (outcome.status !== "accepted" && problems.length < listedMax) problems.push({ index, event_id, ...outcome });
  };
  const tellings = new Set<Promise<void>>();
  const send = async (): Promise<void> => {
    let index = 0;
    for await (const event of events) {
      const at = index++;
      const { eventId, outcome } = await sender.send(event).catch((error: unknown) => {
        throw failure ?? error;
      });
      const telling = outcome.then((became) => (told(at, eventId, became), void tellings.delete(telling)));
      tellings.add(telling);
    }
  };
  try {
    await send();
  } catch (error) {
    if (error !== failure) {
      // Where the events come from has failed: those that were given are sent, and nothing goes on behind the caller's back.
      await sender.close();
      throw error;
    }
  }
  const { accepted, refused, failed } = await sender.close();
  await Promise.all(tellings);
  const result = { accepted, refused, failed, problems: problems.toSorted((a, b) => a.index - b.index) };
  if (failure) throw withDetails(failure, result);
  return result;
}

function withDetails(failure: Error, details: Ingested): Error {
  if (!(failure instanceof WeirError)) return failure;
  const { code, message, status } = failure;
  return new WeirError(code, message, { details, cause: failure, ...(status === undefined ? {} : { status }) });
}
