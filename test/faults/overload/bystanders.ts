import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { probeEvent } from "../../../bench/lib/rules.ts";
import { Durations } from "../../../bench/lib/latency.ts";

/** What one client saw that does as it is told. */
export interface Polite {
  /** Events that were acknowledged; everything it began to send is, in the end. */
  readonly events: number;
  /** Of the sendings that were acknowledged, ms; those that were while it was crowded are by themselves. */
  readonly accepted: Durations;
  readonly crowded: Durations;
  /** From the first sending of a request to its acknowledgement, ms. */
  readonly gotIn: Durations;
  /** The most sendings that a request needed. */
  readonly triesMax: number;
  /** Answers that were neither an acknowledgement nor a refusal that says when to come back. */
  readonly odd: readonly string[];
}

const politeEvents = 20;
const politeEveryMs = 200;
const givenUpMs = 60_000;

/** Sends small requests until `stop`, and after a refusal the same again when the server has said. */
export async function sendPolitely(
  ingestUrl: string,
  stop: AbortSignal,
  isCrowded: () => boolean = () => false,
): Promise<Polite> {
  const [accepted, crowded, gotIn, odd] = [new Durations(), new Durations(), new Durations(), [] as string[]];
  const name = randomUUID();
  let [events, triesMax, made] = [0, 0, 0];
  while (!stop.aborted) {
    const request = Array.from({ length: politeEvents }, () => probeEvent(`polite-${name}-${made++}`));
    const begunAt = performance.now();
    for (let tries = 1; ; tries++) {
      const sentAt = performance.now();
      const answer = await post(ingestUrl, request);
      triesMax = Math.max(triesMax, tries);
      if (answer.status === 200) {
        (isCrowded() ? crowded : accepted).add(performance.now() - sentAt);
        break;
      }
      if (!(answer.retryAfterSeconds > 0)) odd.push(`${answer.status} ${answer.text.slice(0, 200)}`);
      if (performance.now() - begunAt > givenUpMs)
        return { events, accepted, crowded, gotIn, triesMax, odd: [...odd, "never in"] };
      await pause(1000 * (answer.retryAfterSeconds || 1));
    }
    gotIn.add(performance.now() - begunAt);
    events += request.length;
    await pause(politeEveryMs);
  }
  return { events, accepted, crowded, gotIn, triesMax, odd };
}

async function post(
  url: string,
  events: readonly object[],
): Promise<{ status: number; text: string; retryAfterSeconds: number }> {
  try {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(events);
    const response = await fetch(`${url}/ingest`, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(20_000),
    });
    const retryAfterSeconds = Number(response.headers.get("retry-after") ?? 0);
    return { status: response.status, text: await response.text(), retryAfterSeconds };
  } catch (error) {
    return { status: 0, text: String(error), retryAfterSeconds: 0 };
  }
}

export interface Reader {
  readonly answered: Durations;
  readonly failed: readonly string[];
}

/** Asks for statistics again and again until `stop`. */
export async function readStats(queryUrl: string, ruleId: string, stop: AbortSignal): Promise<Reader> {
  const [answered, failed] = [new Durations(), [] as string[]];
  while (!stop.aborted) {
    const askedAt = performance.now();
    const failure = await ask(`${queryUrl}/stats?rule_id=${ruleId}`);
    if (failure === undefined) answered.add(performance.now() - askedAt);
    else failed.push(failure);
    await pause(250);
  }
  return { answered, failed };
}

async function ask(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    const text = await response.text();
    return response.ok ? undefined : `${response.status} ${text.slice(0, 200)}`;
  } catch (error) {
    return String(error);
  }
}

/** Someone who watches a rule and puts its rows together. */
export class Watcher {
  readonly #socket: WebSocket;
  #pushedAt = performance.now();
  longestGapMs = 0;
  pushes = 0;
  /** The newest value by window and groups. */
  readonly rows = new Map<string, unknown>();
  closed: string | undefined;

  constructor(queryUrl: string, ruleId: string) {
    this.#socket = new WebSocket(`${queryUrl.replace("http", "ws")}/live-stats`);
    const request = JSON.stringify({ subscribe_rules: [ruleId], interval_ms: 500 });
    this.#socket.addEventListener("open", () => this.#socket.send(request));
    this.#socket.addEventListener("message", ({ data }) =>
      this.#take(JSON.parse(String(data)) as { data?: unknown[][] }),
    );
    this.#socket.addEventListener("close", ({ code, reason }) => (this.closed = `${code} ${reason}`));
  }

  close(): void {
    this.#socket.close();
  }

  #take({ data = [] }: { data?: unknown[][] }): void {
    this.longestGapMs = Math.max(this.longestGapMs, performance.now() - this.#pushedAt);
    this.#pushedAt = performance.now();
    this.pushes += 1;
    for (const row of data) this.rows.set(JSON.stringify(row.slice(0, -1)), row.at(-1));
  }
}
