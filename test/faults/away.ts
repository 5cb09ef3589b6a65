import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Durations } from "../../bench/lib/latency.ts";
import { ask, repeated } from "../support/api.ts";
import { watchStalls } from "../support/stalls.ts";
import type { Stage } from "./stage.ts";

const [usualSeconds, drainedMsMax] = [4, 300_000];
/** Below these it is noise of the machine: whoever waited for the store would wait for as long as it is away. */
const noise = { p99Ms: 500, stillMs: 2_000, shareOfAbsence: 0.5, msMax: 10_000 };

export interface Watched {
  readonly t: TestContext;
  readonly stage: Stage;
  /** What the stage's senders are told to call with how long each acknowledgement took. */
  readonly latencies: { now: Durations };
  /** Those that count. */
  readonly servers: () => readonly { readonly queryUrl: string }[];
  /** Whether acknowledging may come to a stand, as it does when the log is full. */
  readonly mayStand: boolean;
}

/** What clients feel while the store is away, and how it catches up when it is back. */
export class Away {
  readonly #watched: Watched;
  #usualMs = 0;
  #usualLagMs = 0;
  #arrivals = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** How it is with a store: the p99 of acknowledgements, the events that come a second, and how far behind counting is. */
  async measureUsual(): Promise<void> {
    const before = { at: performance.now(), acknowledged: this.#acknowledged };
    this.#watched.latencies.now = new Durations();
    for (const end = before.at + usualSeconds * 1000; performance.now() < end; await pause(100))
      this.#usualLagMs = Math.max(this.#usualLagMs, await this.#lagMs());
    const seconds = (performance.now() - before.at) / 1000;
    this.#arrivals = (this.#acknowledged - before.acknowledged) / seconds;
    this.#usualMs = this.#watched.latencies.now.summary().p99;
    this.#watched.t.diagnostic(
      `usual: ${Math.round(this.#arrivals)} events/s, p99 ${this.#usualMs.toFixed(1)} ms, lag up to ${Math.round(this.#usualLagMs)} ms`,
    );
  }

  /**
   * While the engine is away, acknowledging never stands still; when it is back, it catches up: what has waited is counted
   * `drainFactor` times as fast as events come.
   */
  async without(kind: string, absence: () => Promise<void>, drainFactor = 2): Promise<void> {
    this.#watched.latencies.now = new Durations();
    const watched = new AbortController();
    const stillness = this.#longestStillness(watched.signal);
    const stalls = watchStalls();
    const before = performance.now();
    await absence().finally(() => watched.abort());
    const [seconds, stillMs] = [(performance.now() - before) / 1000, await stillness];
    stalls.stop();
    const { p99 } = this.#watched.latencies.now.summary();
    const drained = await this.#drained(seconds * 1000);
    this.#watched.t.diagnostic(
      `${kind} for ${seconds.toFixed(1)} s: p99 ${p99.toFixed(1)} ms, at most ${Math.round(stillMs)} ms between acknowledgements; then ${drained.counted} events counted in ${(drained.ms / 1000).toFixed(1)} s`,
    );
    const someMs = Math.min(noise.msMax, noise.shareOfAbsence * seconds * 1000);
    const hasGoneOn = this.#watched.mayStand || stillMs < Math.max(noise.stillMs, someMs) + stalls.worstMs();
    assert.ok(hasGoneOn, `nothing was acknowledged for ${Math.round(stillMs)} ms`);
    const p99Max = Math.max(noise.p99Ms, 3 * this.#usualMs, someMs) + stalls.worstMs();
    assert.ok(p99 <= p99Max, `p99 ${p99} ms while ${kind}, usually ${this.#usualMs}`);
    const rate = drained.counted / (drained.ms / 1000);
    // On a machine that has got busier both count for less.
    const arrivals = Math.min(this.#arrivals, drained.acknowledged / (drained.ms / 1000));
    assert.ok(rate >= drainFactor * arrivals, `counted ${rate} events/s afterwards, of which ${arrivals} came anew`);
  }

  get #acknowledged(): number {
    return this.#watched.stage.ledger.summary().acknowledged;
  }

  async #longestStillness(stop: AbortSignal): Promise<number> {
    let [count, at, longest] = [this.#watched.latencies.now.count, performance.now(), 0];
    while (!stop.aborted) {
      await pause(20);
      longest = Math.max(longest, performance.now() - at);
      if (this.#watched.latencies.now.count !== count)
        [count, at] = [this.#watched.latencies.now.count, performance.now()];
    }
    return longest;
  }

  #lagMs(): Promise<number> {
    return Promise.all(this.#watched.servers().map(lagOf)).then((lags) => Math.max(...lags));
  }

  /** From the store's return until nothing has waited for longer than a second, than usual, or than a part of its absence. */
  async #drained(absenceMs: number): Promise<{ readonly ms: number; readonly counted: number; acknowledged: number }> {
    const servers = this.#watched.servers();
    const counted = (): Promise<number> => countedBy(servers);
    const end = performance.now() + drainedMsMax;
    const before = await counted();
    const lagMsMax = Math.max(1000, 2 * this.#usualLagMs, absenceMs / 4);
    let from = { at: performance.now(), acknowledged: this.#acknowledged };
    for (;;) {
      const now = await counted();
      if (now === before) from = { at: performance.now(), acknowledged: this.#acknowledged };
      const lagMs = await this.#lagMs();
      if (now > before && lagMs < lagMsMax)
        return {
          ms: performance.now() - from.at,
          counted: (await counted()) - before,
          acknowledged: this.#acknowledged - from.acknowledged,
        };
      assert.ok(performance.now() < end, `still ${lagMs} ms behind`);
      await pause(100);
    }
  }
}

async function lagOf({ queryUrl }: { readonly queryUrl: string }): Promise<number> {
  const { lag_ms } = (await ask(`${queryUrl}/status`)) as { lag_ms: number };
  return lag_ms;
}

/** How many events these have counted together, in this life of each. */
export async function countedBy(servers: readonly { readonly queryUrl: string }[]): Promise<number> {
  const counts = servers.map(async ({ queryUrl }) => {
    const text = await (await repeated(`${queryUrl}/metrics`)).text();
    return Number(/^weir_counted_events_total (\d+)/m.exec(text)?.[1] ?? 0);
  });
  return sumOf(await Promise.all(counts));
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
