import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { SmallDisk } from "../support/small-disk.ts";
import { watchStalls } from "../support/stalls.ts";
import { FaultEvents } from "./fault-events.ts";
import type { Stage } from "./stage.ts";
import { repeated } from "../support/api.ts";
import { engineOf } from "../support/processes.ts";

/** The engine may be away for a moment, which is long where it starts slowly: it is started anew when its disk becomes full. */
const readsAgainMs = 60_000;
const acceptsAgainMs = 10_000;
const countsAgainMs = 180_000;
const noticedMs = 180_000;
const answerMs = 180_000;

/** What must hold of a server whose disk is full. */
export class FullDisk {
  readonly stage: Stage;
  readonly disk: SmallDisk;
  /** Requests whose outcome a kill has left unknown. */
  unknown = 0;
  /** The longest that anything to be read was away. */
  awayMs = 0;
  readonly #events: FaultEvents;

  constructor(stage: Stage, disk: SmallDisk) {
    this.stage = stage;
    this.disk = disk;
    this.#events = new FaultEvents(stage.seed + 2, Date.now());
  }

  /** Ingest answers 503 or 507 with `Retry-After` and the reason, at the latest so much later; till then it accepts. */
  async refuses(reason: RegExp, withinMs = 20_000): Promise<void> {
    const end = performance.now() + withinMs;
    for (;;) {
      const { status, retryAfter, text } = await this.#post("");
      if (status !== 200) {
        assert.ok(status === 503 || status === 507, `${status} ${text}`);
        assert.ok(Number(retryAfter) > 0, `Retry-After: ${retryAfter}`);
        assert.ok(!text.includes(this.disk.folder), `a client is told a path: ${text}`);
        return assert.match(text, reason);
      }
      assert.ok(performance.now() < end, "ingest still accepts");
      await pause(50);
    }
  }

  /** What the engine may have spoilt is found out from now on: until then reading still goes on, and then stops for a moment. */
  async noticed(): Promise<void> {
    const end = performance.now() + noticedMs;
    for (;;) {
      const { text } = await this.#get(`${this.stage.server.queryUrl}/ready`);
      if (text.includes("writes nothing: the disk is full")) return;
      assert.ok(performance.now() < end, `nobody notices that the disk is full: ${text}`);
      await pause(20);
    }
  }

  /** Every way of reading answers, at once or when the engine is there again, and from then on always. */
  async reads(withinMs = readsAgainMs): Promise<void> {
    const { queryUrl } = this.stage.server;
    const [from, stalls] = [performance.now(), watchStalls()];
    const asks = ["/stats?rule_id=amount_by_country", "/events?limit=10", "/rejects", "/status"].map(
      (path) => `${queryUrl}${path}`,
    );
    for (;;) {
      const answers = await Promise.all(asks.map((url) => this.#get(url)));
      const failed = answers.filter(({ status }) => status !== 200);
      if (failed.length === 0) break;
      this.awayMs = Math.max(this.awayMs, Math.round(performance.now() - from));
      assert.ok(
        failed.every(({ status }) => status === 503),
        JSON.stringify(failed),
      );
      const isInTime = performance.now() - from < withinMs + stalls.worstMs();
      assert.ok(isInTime, `reading fails: ${JSON.stringify(failed)}`);
      await pause(50);
    }
    stalls.stop();
    for (let again = 0; again < 5; again++) for (const url of asks) await this.#goesOn(url);
    await opens(`${queryUrl.replace("http", "ws")}/live-stats`);
  }

  /** Also an engine that has nothing against the disk gives no sign of life for a moment, where others have the machine. */
  async #goesOn(url: string): Promise<void> {
    const { pid } = this.stage.server;
    const engine = await engineOf(pid);
    const { status } = await repeated(url);
    assert.equal(status, 200, url);
    assert.equal(await engineOf(pid), engine, "the engine was started anew");
  }

  /** Takes events soon, and counts them, by itself. */
  async acceptsAgain(): Promise<void> {
    const stalls = watchStalls();
    await this.#taken("", () => acceptsAgainMs + stalls.worstMs());
    stalls.stop();
    await this.#taken("?wait=counted", () => countsAgainMs);
  }

  async #taken(query: string, withinMs: () => number): Promise<void> {
    for (const from = performance.now(); ; await pause(100)) {
      const { status, text } = await this.#post(query);
      const tookMs = performance.now() - from;
      const said = `${Math.round(tookMs)} ms after there is room again: ${status} ${text}`;
      assert.ok(tookMs < withinMs(), said);
      if (status === 200) return;
    }
  }

  /** kill -9 while the disk is full; a start says so; with room it starts. */
  async dies(): Promise<void> {
    const { stage, disk } = this;
    await stage.server.killGroup();
    await stage.senders.stop();
    this.unknown = stage.ledger.summary().requests.unknown;
    await assert.rejects(
      stage.start(),
      /Weir can't start: the disk of .* has \d+ bytes left[^]*|ended before it was ready \(code 2/,
    );
    disk.free();
    await stage.start({ args: ["--disk-free-min", "0"] });
  }

  /** One event of its own, in the ledger as all others. */
  async #post(query: string): Promise<{ status: number; retryAfter: string | null; text: string }> {
    const events = [this.#events.make()];
    const { ledger, server } = this.stage;
    ledger.sent(events);
    const response = await fetch(`${server.ingestUrl}/ingest${query}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(events),
      signal: AbortSignal.timeout(countsAgainMs),
    });
    const text = await response.text();
    // 504: durable, and not counted yet.
    ledger.settled(events, response.status === 200 || response.status === 504 ? "acknowledged" : "refused");
    return { status: response.status, retryAfter: response.headers.get("retry-after"), text };
  }

  async #get(url: string): Promise<{ status: number; text: string }> {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMs) });
    const text = await response.text();
    return { status: response.status, text: response.ok ? "" : text };
  }
}

async function opens(url: string): Promise<void> {
  const socket = new WebSocket(url);
  try {
    await once(socket, "open", { signal: AbortSignal.timeout(60_000) });
  } finally {
    socket.close();
  }
}
