import { WeirError } from "../lib/errors.ts";

declare global {
  interface JSON {
    /** Not in TypeScript's own list yet. */
    rawJSON(text: string): unknown;
  }
}

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

/** As much of the two APIs as the quarantine needs. Anything but the expected answer is an error for people. */
export class RejectsClient {
  readonly #at: Addresses;

  constructor(at: Addresses) {
    this.#at = at;
  }

  async page(limit: number, cursor?: string): Promise<Page> {
    const rest = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return exact(await this.#ask(`${this.#at.queryUrl}/rejects?limit=${limit}${rest}`)) as Page;
  }

  /** Sends events again; they are durable then. Those that are no events of today's contract are refused, each by itself. */
  async send(events: readonly Reject[]): Promise<Sent> {
    const body = events
      .map(({ event_id, user_id, event_type, timestamp, payload }) =>
        JSON.stringify({ event_id, user_id, event_type, timestamp, payload }),
      )
      .join("\n");
    const headers = { "content-type": "application/x-ndjson" };
    const text = await this.#ask(`${this.#at.ingestUrl}/ingest?partial=true`, { method: "POST", headers, body });
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
    const url = `${this.#at.ingestUrl}/ingest/status?token=${encodeURIComponent(token)}&wait=30s`;
    while (!(JSON.parse(await this.#ask(url)) as { counted: boolean }).counted);
  }

  async drop(positions: readonly string[]): Promise<void> {
    const query = positions.map((position) => `position=${encodeURIComponent(position)}`).join("&");
    await this.#ask(`${this.#at.queryUrl}/rejects?${query}`, { method: "DELETE" });
  }

  async #ask(url: string, init: RequestInit = {}): Promise<string> {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(90_000) }).catch((cause: unknown) => {
      throw new WeirError("rejects_failed", `no server answers at ${new URL(url).origin}; is it running there?`, {
        cause,
      });
    });
    const text = await answer.text();
    if (answer.ok) return text;
    throw new WeirError(
      "rejects_failed",
      `${init.method ?? "GET"} ${new URL(url).pathname} answered: ${messageOf(text)}`,
    );
  }
}

/** Parses JSON; numbers stay what is written, so that they are written the same again. */
function exact(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && context?.source !== undefined ? JSON.rawJSON(context.source) : value,
  );
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    return text.slice(0, 200);
  }
}
