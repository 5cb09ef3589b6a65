import assert from "node:assert/strict";
import { check } from "../checker.ts";
import { FaultEvents, faultRules } from "../fault-events.ts";
import { Ledger, type WireEvent } from "../ledger.ts";
import { allStats, postCounted, repeated, rulesSettled } from "../../support/api.ts";
import type { ServerProcess } from "../../support/server-process.ts";
import type { Taken } from "./contract.ts";
import { exactJson } from "./contract-payload.ts";

const dayMs = 86_400_000;
type Arrived = { -readonly [K in keyof WireEvent]: WireEvent[K] };

/** The ledger of what was sent between good events, and its comparison with what the server holds. */
export class Judge {
  readonly ledger = new Ledger();
  readonly #server: ServerProcess;
  readonly #good: FaultEvents;
  readonly #now: number;
  /** Events without a time: they get the one that they were stored with. */
  readonly #arrivals = new Map<string, Arrived>();

  constructor(server: ServerProcess, seed: number, now: number) {
    this.#server = server;
    this.#good = new FaultEvents(seed, now);
    this.#now = now;
  }

  /** Whether any of the events carries an id that was sent before: which of two comes first is not known. */
  isAmbiguous(events: readonly Taken[]): boolean {
    return events.some(({ event_id }) => this.ledger.get(event_id) !== undefined);
  }

  sent(events: readonly Taken[]): WireEvent[] {
    const wired = events.map((event) => this.#wired(event));
    this.ledger.sent(wired);
    return wired;
  }

  /** A request of good events, which must be acknowledged; answers its token. */
  async sendGood(): Promise<string> {
    const events = Array.from({ length: 5 }, () => this.#good.make());
    this.ledger.sent(events);
    const headers = { "content-type": "application/json" };
    const sending = { method: "POST", headers, body: JSON.stringify(events), signal: AbortSignal.timeout(120_000) };
    const response = await fetch(`${this.#server.ingestUrl}/ingest`, sending);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    this.ledger.settled(events, "acknowledged");
    return (JSON.parse(text) as { token: string }).token;
  }

  /** Waits until all is counted, then compares everything with the ledger. */
  async verify(): Promise<void> {
    await this.counted();
    await rulesSettled(this.#server.queryUrl);
    const raw = await this.#raw();
    const [from, to] = [0, this.#now + 2 * dayMs];
    const windows = new Map<string, Record<string, unknown>[]>();
    for (const { rule_id } of faultRules)
      windows.set(rule_id, await allStats(this.#server.queryUrl, rule_id, from, to));
    const findings = check(this.ledger, faultRules, { raw, windows });
    const summary = `${findings.length} findings; ledger ${JSON.stringify(this.ledger.summary())}`;
    assert.equal(findings.length, 0, `${summary}\n${findings.slice(0, 20).join("\n")}`);
  }

  /** Sends a few events more and waits until they, and so all before them, are counted. */
  async counted(): Promise<void> {
    const last = Array.from({ length: 3 }, () => this.#good.make());
    this.ledger.sent(last);
    await postCounted(this.#server.ingestUrl, last);
    this.ledger.settled(last, "acknowledged");
  }

  #wired(event: Taken): WireEvent {
    if (event.timestamp !== undefined) return { ...event, timestamp: event.timestamp };
    const arrived = { ...event, timestamp: "on arrival" };
    this.#arrivals.set(event.event_id, arrived);
    return arrived;
  }

  /** All stored events, with numbers as the contract's reader has them. */
  async #raw(): Promise<WireEvent[]> {
    const rows: WireEvent[] = [];
    let cursor = "";
    do {
      const response = await repeated(`${this.#server.queryUrl}/events?limit=10000${cursor}`);
      const page = exactJson(await response.text()) as { data: WireEvent[]; next_cursor?: string };
      for (const row of page.data) rows.push(row);
      cursor = page.next_cursor === undefined ? "" : `&cursor=${encodeURIComponent(page.next_cursor)}`;
    } while (cursor !== "");
    for (const { event_id, timestamp } of rows) this.#settleArrival(event_id, timestamp);
    return rows;
  }

  #settleArrival(id: string, timestamp: string): void {
    const arrived = this.#arrivals.get(id);
    const near = Math.abs(Date.parse(timestamp) - this.#now) < dayMs / 2;
    if (arrived && near) arrived.timestamp = timestamp;
  }
}
