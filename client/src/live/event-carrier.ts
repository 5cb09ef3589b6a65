import { WeirError } from "../errors.ts";
import type { Http } from "../http.ts";
import type { Carrier, Line, LineEvents, Wanted } from "./carrier.ts";

/** A message of a server is far smaller; something else would fill the memory. */
const eventCharsMax = 64 * 2 ** 20;

/** As Server-Sent Events, where sockets don't get through. What is watched is settled when the line is opened. */
export function eventCarrier(http: Http): Carrier {
  // It names the places of all rules in their order.
  let last = { id: "", rules: "" };
  /** Then it is the right address, and whatever stands in between may go again. */
  let hasCome = false;
  return (wantedNow, events): Line => {
    const wanted = wantedNow();
    const rules = JSON.stringify(wanted.map(({ rule }) => rule));
    const isKnown = last.rules === rules && wanted.some(({ place }) => place !== undefined);
    last = { id: isKnown ? last.id : "", rules };
    const ending = new AbortController();
    const noteId = (id: string): void => {
      hasCome = true;
      if (!ending.signal.aborted) last = { id, rules };
    };
    const told = unlessClosed(events, ending.signal);
    read(http, wanted, last.id, { ...told, id: noteId }, ending.signal).then(
      () => told.closed(),
      (error: unknown) => {
        if (!(error instanceof WeirError)) return told.closed();
        const isPassing = error.canRetry || (hasCome && error.status === 200);
        told.closed(isPassing ? undefined : error, error.retryAfterMs);
      },
    );
    return { close: () => ending.abort() };
  };
}

/** Nothing is told of a line that the client has closed. */
function unlessClosed(events: LineEvents, signal: AbortSignal): LineEvents {
  return {
    opened: () => (signal.aborted ? undefined : events.opened()),
    message: (text) => (signal.aborted ? undefined : events.message(text)),
    closed: (refusal, afterMs) => (signal.aborted ? undefined : events.closed(refusal, afterMs)),
  };
}

async function read(
  http: Http,
  wanted: readonly Wanted[],
  lastId: string,
  events: LineEvents & { readonly id: (id: string) => void },
  signal: AbortSignal,
): Promise<void> {
  const { intervalMs, from } = wanted[0] ?? {};
  const rule_id = wanted.map(({ rule }) => rule);
  // By no header: of another origin, a browser would ask first whether it may be sent.
  const query = { rule_id, interval_ms: intervalMs, from, last_event_id: lastId || undefined };
  const headers = { accept: "text/event-stream" };
  const response = await http.open({ path: "/live-stats", query, headers, signal });
  events.opened();
  const reader = response.body?.getReader();
  // However it ends, and also when it was over before its answer came.
  const cancel = (): void => void reader?.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  const decoder = new TextDecoder();
  const parser = new EventParser(events);
  try {
    for (;;) {
      if (signal.aborted) return;
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done || signal.aborted) return;
      parser.take(decoder.decode(value, { stream: true }));
    }
  } finally {
    cancel();
  }
}

interface ParsedEvents {
  readonly message: (text: string) => void;
  readonly id: (id: string) => void;
}

/** Cuts the text of a stream into events. */
export class EventParser {
  readonly #events: ParsedEvents;
  /** Of an event that has not ended: its pieces, none of which is looked through twice. */
  #pieces: string[] = [];
  #chars = 0;

  constructor(events: ParsedEvents) {
    this.#events = events;
  }

  take(text: string): void {
    let rest = text;
    for (let end = this.#endIn(rest); end !== undefined; end = this.#endIn(rest)) {
      this.#pieces.push(rest.slice(0, end));
      const block = this.#pieces.join("");
      this.#pieces = [];
      this.#chars = 0;
      rest = rest.slice(end);
      this.#block(block);
    }
    if (rest !== "") this.#pieces.push(rest);
    this.#chars += rest.length;
    if (this.#chars > eventCharsMax) throw new Error("an event without end");
  }

  /** Where in a text the event ends that began before it; the two line ends may be in two pieces. */
  #endIn(text: string): number | undefined {
    if (text.startsWith("\n") && this.#pieces.at(-1)?.endsWith("\n")) return 1;
    const at = text.indexOf("\n\n");
    return at < 0 ? undefined : at + 2;
  }

  #block(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      // Values of events may have U+2028, which ends a line in Unicode alone.
      const [, name, value] = /^([a-z]+): ?(.*)$/s.exec(line) ?? [];
      if (name !== undefined && value !== undefined) fields.set(name, value);
    }
    const data = fields.get("data");
    // One with a name says why the stream ends; that it does is seen.
    if (data !== undefined && !fields.has("event")) this.#events.message(data);
    // Only then: who breaks off at the message has not been there.
    const id = fields.get("id");
    if (id !== undefined) this.#events.id(id);
  }
}
