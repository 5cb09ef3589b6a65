import type { Clock } from "../lib/clock.ts";
import type { RuleSpec } from "../rule/rule.ts";

export type DemoRow = Readonly<Record<string, unknown>>;

interface Page {
  readonly data: readonly DemoRow[];
  readonly next_cursor?: string;
}

/** The demo speaks to its server as any user's program would: over HTTP. */
export class DemoClient {
  readonly #ingestUrl: string;
  readonly #queryUrl: string;
  readonly #clock: Clock;

  constructor(urls: { readonly ingestUrl: string; readonly queryUrl: string }, clock: Clock) {
    this.#ingestUrl = urls.ingestUrl;
    this.#queryUrl = urls.queryUrl;
    this.#clock = clock;
  }

  async putRule(spec: RuleSpec): Promise<void> {
    await this.#json(`${this.#queryUrl}/aggregation-rule`, spec);
  }

  /** Sends events; while the server can't take them it waits as long as it is told to. */
  async send(events: readonly object[], wait: "durable" | "counted"): Promise<void> {
    const url = `${this.#ingestUrl}/ingest?wait=${wait}`;
    await this.#json(url, events);
  }

  /** Every row of a rule between two times (ms), newest window first. */
  async stats(ruleId: string, from: number, to: number): Promise<DemoRow[]> {
    const url = `${this.#queryUrl}/stats?rule_id=${ruleId}&start_time=${from}&end_time=${to}&limit=10000`;
    const rows: DemoRow[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const page = (await this.#json(cursor === "" ? url : `${url}&cursor=${encodeURIComponent(cursor)}`)) as Page;
      rows.push(...page.data);
      cursor = page.next_cursor;
    }
    return rows;
  }

  async lagMs(): Promise<number> {
    const status = (await this.#json(`${this.#queryUrl}/status`)) as { readonly lag_ms: number };
    return status.lag_ms;
  }

  async #json(url: string, body?: unknown): Promise<unknown> {
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    for (;;) {
      const response = await fetch(url, body === undefined ? {} : post);
      const text = await response.text();
      if (response.ok) return JSON.parse(text) as unknown;
      const retryAfter = response.headers.get("retry-after");
      if (retryAfter === null) throw new Error(`${url}: ${text}`);
      await this.#clock.sleep(Number(retryAfter) * 1000);
    }
  }
}
