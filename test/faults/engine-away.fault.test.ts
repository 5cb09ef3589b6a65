import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Durations } from "../../bench/lib/latency.ts";
import { engineOf, enginesOf, killEngines } from "../support/processes.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";

/** For how long it is held down; `WEIR_ENGINE_AWAY_SECONDS=600` is the long form, in which the log becomes full. */
const heldSeconds = Number(process.env["WEIR_ENGINE_AWAY_SECONDS"] ?? 29);
const logFills = heldSeconds >= 300;
const [usualSeconds, hungMsMax, drainedMsMax] = [4, 50_000, 120_000];
/** Below this a p99 is noise of the machine. Whoever waited for the engine would wait for half a minute. */
const noiseMs = 500;
const silenceMsMax = 10_000;

test("R6: the engine is away for a minute, held down and then hung: ingest goes on, and all is counted", async (t) => {
  const latencies: { now: Durations } = { now: new Durations() };
  // Some two thousand events a second; in the long form four thousand.
  const load = { senders: logFills ? 8 : 4, requestEventsMax: 100, pauseMs: 95 };
  const heard = { acknowledged: (ms: number) => latencies.now.add(ms) };
  await Stage.run(faultSeed(), { ...load, ...heard }, async (stage) => {
    t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
    await stage.start({ args: logFills ? ["--log-bytes-max", "64MiB"] : [] });
    await stage.putRules(faultRules);
    const away = new Away(t, stage, latencies);
    stage.senders.start(stage.server.ingestUrl);
    await pause(2000);
    await away.measureUsual();
    await away.without("held down", () => heldDown(stage.server.pid, heldSeconds));
    if (logFills) assert.ok(stage.ledger.summary().requests.refused > 0, "the log was never full");
    else await away.without("hung", () => away.hung());
    await stage.senders.stop();
    const { requests } = stage.ledger.summary();
    assert.equal(requests.unknown, 0, "requests were left without an answer");
    if (!logFills) assert.equal(requests.refused, 0, "requests were refused");
    await stage.verify(faultRules);
    t.diagnostic(JSON.stringify(stage.ledger.summary()));
  });
});

class Away {
  readonly #t: TestContext;
  readonly #stage: Stage;
  readonly #latencies: { now: Durations };
  #usualMs = 0;
  #arrivals = 0;

  constructor(t: TestContext, stage: Stage, latencies: { now: Durations }) {
    this.#t = t;
    this.#stage = stage;
    this.#latencies = latencies;
  }

  /** How it is with an engine: the p99 of acknowledgements, and the events that come a second. */
  async measureUsual(): Promise<void> {
    const before = this.#acknowledged;
    this.#latencies.now = new Durations();
    await pause(usualSeconds * 1000);
    this.#arrivals = (this.#acknowledged - before) / usualSeconds;
    this.#usualMs = this.#latencies.now.summary().p99;
    this.#t.diagnostic(`usual: ${Math.round(this.#arrivals)} events/s, p99 ${this.#usualMs.toFixed(1)} ms`);
  }

  /** While the engine is away, acknowledging never stands still; when it is back, it catches up. */
  async without(kind: string, absence: () => Promise<void>): Promise<void> {
    this.#latencies.now = new Durations();
    const watched = new AbortController();
    const stillness = this.#longestStillness(watched.signal);
    const before = performance.now();
    await absence().finally(() => watched.abort());
    const [seconds, stillMs] = [(performance.now() - before) / 1000, await stillness];
    const { p99 } = this.#latencies.now.summary();
    const drained = await this.#drained();
    this.#t.diagnostic(
      `${kind} for ${seconds.toFixed(1)} s: p99 ${p99.toFixed(1)} ms, at most ${Math.round(stillMs)} ms between acknowledgements; then ${drained.counted} events counted in ${(drained.ms / 1000).toFixed(1)} s`,
    );
    if (!logFills) assert.ok(stillMs < 2000, `nothing was acknowledged for ${Math.round(stillMs)} ms`);
    assert.ok(p99 <= Math.max(noiseMs, 3 * this.#usualMs), `p99 ${p99} ms while ${kind}, usually ${this.#usualMs}`);
    const rate = drained.counted / (drained.ms / 1000);
    assert.ok(rate >= 2 * this.#arrivals, `counted ${rate} events/s afterwards, of which ${this.#arrivals} came anew`);
  }

  /** Stopped, so that its connections stay open and nothing answers: the watch must end it. */
  async hung(): Promise<void> {
    const { queryUrl, pid } = this.#stage.server;
    const engine = await engineOf(pid);
    process.kill(engine, "SIGSTOP");
    const first = await this.#timed(`${queryUrl}/stats?rule_id=count_by_type`);
    const later = await this.#timed(`${queryUrl}/stats?rule_id=count_by_type`);
    const ready = await this.#timed(`${queryUrl}/ready`);
    this.#t.diagnostic(
      `/stats of a hung engine: 503 after ${Math.round(first.ms)} ms, later ${Math.round(later.ms)} ms`,
    );
    assert.deepEqual([first.status, later.status, ready.status], [503, 503, 503]);
    assert.ok(first.ms < silenceMsMax, `/stats waited ${first.ms} ms for a hung engine`);
    assert.ok(later.ms < 2000, `/stats waited ${later.ms} ms for an engine that is known to be hung`);
    const end = performance.now() + hungMsMax;
    while ((await enginesOf(pid)).some((one) => one === engine)) {
      assert.ok(performance.now() < end, "a hung engine was not ended");
      await pause(100);
    }
  }

  get #acknowledged(): number {
    return this.#stage.ledger.summary().acknowledged;
  }

  async #longestStillness(stop: AbortSignal): Promise<number> {
    let [count, at, longest] = [this.#latencies.now.count, performance.now(), 0];
    while (!stop.aborted) {
      await pause(20);
      longest = Math.max(longest, performance.now() - at);
      if (this.#latencies.now.count !== count) [count, at] = [this.#latencies.now.count, performance.now()];
    }
    return longest;
  }

  /** From the engine's return until nothing has waited for longer than a second. */
  async #drained(): Promise<{ readonly ms: number; readonly counted: number }> {
    const { queryUrl } = this.#stage.server;
    const end = performance.now() + drainedMsMax;
    const before = await counted(queryUrl);
    let from = performance.now();
    for (;;) {
      const now = await counted(queryUrl);
      if (now === before) from = performance.now();
      const response = await fetch(`${queryUrl}/status`);
      const { lag_ms } = (await response.json()) as { lag_ms: number };
      if (now > before && lag_ms < 1000)
        return { ms: performance.now() - from, counted: (await counted(queryUrl)) - before };
      assert.ok(performance.now() < end, `still ${lag_ms} ms behind`);
      await pause(20);
    }
  }

  async #timed(url: string): Promise<{ readonly status: number; readonly ms: number }> {
    const from = performance.now();
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    await response.text();
    return { status: response.status, ms: performance.now() - from };
  }
}

/** Every child is killed as soon as it is seen, so that none gets to work. */
async function heldDown(server: number, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await killEngines(server);
    await pause(50);
  }
}

async function counted(queryUrl: string): Promise<number> {
  const text = await (await fetch(`${queryUrl}/metrics`)).text();
  return Number(/^weir_counted_events_total (\d+)/m.exec(text)?.[1]);
}
