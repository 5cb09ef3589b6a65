import { Http } from "../../client/src/http.ts";
import type { Question } from "../../client/src/http.ts";
import { platform } from "../../client/src/surroundings.ts";
import { asWritten, parseNumbers } from "../lib/exact-json.ts";

/** An event in quarantine, as `GET /rejects` answers it; numbers in its payload are kept as they are written. */
export interface Reject {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  readonly timestamp: string;
  readonly payload: unknown;
  readonly position: string;
  readonly reason: string;
  readonly rejected_at: string;
}

export interface Page {
  readonly data: readonly Reject[];
  readonly next_cursor?: string;
}

/** What a server says to events that were sent to it; `refused` are indexes into them. */
export interface Sent {
  readonly token: string;
  readonly refused: readonly { readonly index: number; readonly problem: string }[];
}

/** Where a server answers. */
export interface Addresses {
  readonly ingestUrl: string;
  readonly queryUrl: string;
}

/** Waiting to be counted is part of it. */
const timeoutMs = 90_000;

/**
 * As much of the two APIs as the quarantine needs. The package's client would read numbers, which are to stay as they are
 * written, but it asks in its way: anything but the expected answer is its `WeirError`.
 */
export class RejectsClient {
  readonly #ingest: Http;
  readonly #query: Http;

  constructor({ ingestUrl, queryUrl }: Addresses) {
    this.#ingest = new Http(ingestUrl, platform, { headers: {}, timeoutMs });
    this.#query = new Http(queryUrl, platform, { headers: {}, timeoutMs });
  }

  async page(limit: number, cursor?: string): Promise<Page> {
    return exact(await ask(this.#query, { path: "/rejects", query: { limit, cursor } })) as Page;
  }

  /** Sends events again; they are durable then. Those that are no events of today's contract are refused, each by itself. */
  async send(events: readonly Reject[]): Promise<Sent> {
    const body = events
      .map(({ event_id, user_id, event_type, timestamp, payload }) =>
        JSON.stringify({ event_id, user_id, event_type, timestamp, payload }),
      )
      .join("\n");
    const headers = { "content-type": "application/x-ndjson" };
    const query = { partial: true };
    const text = await ask(this.#ingest, { method: "POST", path: "/ingest", query, headers, body });
    const { token, refused = [] } = JSON.parse(text) as {
      token: string;
      refused?: readonly { index: number; problems: readonly { path: string; message: string }[] }[];
    };
    const said = refused.map(({ index, problems: [first] }) => ({
      index,
      problem: `${first?.path} ${first?.message}`,
    }));
    return { token, refused: said };
  }

  /** Resolves once these events are counted, or were set aside anew. */
  async counted(token: string): Promise<void> {
    const question = { path: "/ingest/status", query: { token, wait: "30s" } };
    while (!(JSON.parse(await ask(this.#ingest, question)) as { counted: boolean }).counted);
  }

  async drop(positions: readonly string[]): Promise<void> {
    await ask(this.#query, { method: "DELETE", path: "/rejects", query: { position: positions } });
  }
}

const ask = async (http: Http, question: Question): Promise<string> => (await http.ask(question)).text;

/** Numbers stay what is written, so that they are written the same again. */
const exact = (text: string): unknown => parseNumbers(text, (_value, written) => asWritten(written));
