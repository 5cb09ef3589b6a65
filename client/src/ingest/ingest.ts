import { WeirError } from "../errors.ts";
import type { NewEvent, Outcome } from "./event.ts";
import type { Sender } from "./sender.ts";

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
 * Sends all events, as many at a time as the sender keeps, and says what became of them; then the sender is closed.
 * @throws what the source of the events throws, once those before are settled; the first failure, when the events of a request had to be given up: `details` is then what became of all.
 */
export async function ingestAll(
  sender: Sender,
  events: Iterable<NewEvent> | AsyncIterable<NewEvent>,
): Promise<Ingested> {
  const problems: Trouble[] = [];
  let failure: Error | undefined;
  const told = (index: number, event_id: string, outcome: Outcome): void => {
    if (outcome.status === "failed" && failure === undefined) {
      failure = outcome.error;
      // The rest is not tried for as long each.
      void sender.close({ withinMs: 0 });
    }
    if (outcome.status !== "accepted" && problems.length < listedMax) problems.push({ index, event_id, ...outcome });
  };
  const tellings = new Set<Promise<void>>();
  const send = async (): Promise<void> => {
    let index = 0;
    for await (const event of events) {
      if (failure) return;
      const at = index++;
      const sent = await sender.send(event).catch((error: unknown) => {
        if (failure === undefined) throw error;
      });
      if (sent === undefined) return;
      const { eventId, outcome } = sent;
      const telling = outcome.then((became) => (told(at, eventId, became), void tellings.delete(telling)));
      tellings.add(telling);
    }
  };
  try {
    await send();
  } catch (error) {
    // Where the events come from has failed: those that were given are sent, and nothing goes on behind the caller's back.
    await sender.close();
    throw error;
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
