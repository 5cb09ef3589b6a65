import { WeirError } from "../../client/src/errors.ts";
import { reached } from "../commands/reached.ts";
import type { RejectsAction } from "../config/command-line.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { Addresses, Page, Reject, Sent } from "./client.ts";
import { RejectsClient } from "./client.ts";

/** As many as one request takes out. */
const pageMax = 100;

/**
 * `weir rejects`: what a running server has in quarantine, printed or put back.
 * @throws WeirError of the client, CommandError
 */
export async function runRejects(
  action: RejectsAction,
  addresses: Addresses,
  print: (line: string) => void,
): Promise<void> {
  const client = reached(() => new RejectsClient(addresses));
  await { list, replay }[action](client, print);
}

async function list(client: RejectsClient, print: (line: string) => void): Promise<void> {
  let count = 0;
  for await (const { data } of pages(client)) {
    for (const { position, rejected_at, event_id, reason } of data)
      print([position, rejected_at, JSON.stringify(event_id), reason].join("  "));
    count += data.length;
  }
  print(`${count} in quarantine`);
}

/**
 * Sends every event that is in quarantine again, page by page, and takes it out once it is counted: whenever this ends in
 * between, the event is in quarantine, or counted, or both, and sending it again counts it no second time. The newest are
 * first, so that what is refused anew stands before those that are still to come, and is not sent for ever.
 */
async function replay(client: RejectsClient, print: (line: string) => void): Promise<void> {
  const done = { sent: 0, stay: 0 };
  for await (const { data } of pages(client)) {
    const { sent, stay } = await putBack(client, data, print);
    done.sent += sent;
    done.stay += stay;
  }
  print(`${done.sent} sent again, ${done.stay} not taken any more; ${await countOf(client)} in quarantine now`);
}

interface Outcome {
  readonly sent: number;
  readonly stay: number;
}

/** By halves where they are more than the server takes in one request. */
async function putBack(
  client: RejectsClient,
  events: readonly Reject[],
  print: (line: string) => void,
): Promise<Outcome> {
  const answer = await client.send(events).catch(ifTooLarge);
  if (!(answer instanceof WeirError)) return settle(client, events, answer, print);
  if (events.length === 1) {
    print(`${nameOf(events[0])} stays in quarantine: ${answer.message}`);
    return { sent: 0, stay: 1 };
  }
  const half = Math.ceil(events.length / 2);
  const first = await putBack(client, events.slice(0, half), print);
  const rest = await putBack(client, events.slice(half), print);
  return { sent: first.sent + rest.sent, stay: first.stay + rest.stay };
}

function ifTooLarge(error: unknown): WeirError {
  if (error instanceof WeirError && ["too_many_events", "body_too_large"].includes(error.code)) return error;
  throw error;
}

async function settle(
  client: RejectsClient,
  events: readonly Reject[],
  { token, refused }: Sent,
  print: (line: string) => void,
): Promise<Outcome> {
  for (const { index, problem } of refused) print(`${nameOf(events[index])} stays in quarantine: ${problem}`);
  const stays = new Set(refused.map(({ index }) => index));
  const sent = events.filter((_, index) => !stays.has(index));
  if (sent.length > 0) {
    await client.counted(token);
    passFailpoint("mid-replay");
    await client.drop(sent.map(({ position }) => position));
  }
  return { sent: sent.length, stay: stays.size };
}

async function* pages(client: RejectsClient): AsyncGenerator<Page> {
  let cursor: string | undefined;
  do {
    const page = await client.page(pageMax, cursor);
    if (page.data.length > 0) yield page;
    cursor = page.next_cursor;
  } while (cursor !== undefined);
}

async function countOf(client: RejectsClient): Promise<number> {
  let count = 0;
  for await (const { data } of pages(client)) count += data.length;
  return count;
}

const nameOf = (reject: Reject | undefined): string =>
  `${reject?.position} (event_id ${JSON.stringify(reject?.event_id)})`;
