import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { putBenchRules } from "../../bench/lib/bench-server.ts";
import { benchRules, probeGroup } from "../../bench/lib/rules.ts";
import { verifyCounts } from "../../bench/lib/verify.ts";
import type { Shape } from "../../bench/load/shape.ts";
import { allStats } from "../support/api.ts";
import { engineOf } from "../support/processes.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { type Polite, type Reader, readStats, sendPolitely, Watcher } from "./overload/bystanders.ts";
import { flood } from "./overload/flood.ts";
import type { FloodOrder, FloodResult } from "./overload/order.ts";
import { faultSeed } from "./stage.ts";

/** Of overload, in all; `WEIR_OVERLOAD_SECONDS=1800` is the long form. */
const seconds = Number(process.env["WEIR_OVERLOAD_SECONDS"] ?? 60);
const measuredSeconds = 5;
const normalWithinMs = 30_000;
const acceptedMsMax = 1000;
/** Of the many with large requests: they have the processors that the server would need, which is no fault of its own. */
const crowdedMsMax = 2000;
/** Of the polite ones among them, which are few: of theirs it is the 99th. */
const amongMsMax = 3000;

/** Small, so that all of them are reached. MiB, and counts. */
const bounds = { log: 64, inFlight: 4, engine: 1024, ids: 200_000, batch: 20_000 };
const args = [
  ...["--log-bytes-max", `${bounds.log}MiB`, "--engine-memory-max", `${bounds.engine}MiB`],
  ...["--inflight-bytes-max", `${bounds.inFlight}MiB`, "--body-bytes-max", `${bounds.inFlight}MiB`],
  ...["--dedupe-ids-max", String(bounds.ids), "--batch-events-max", String(bounds.batch), "--log-level", "warn"],
];
/** As docs/operating.md has it; a packed event of the flood takes less than 200 bytes. */
const memoryMiBMax = {
  server: 640 + 3 * bounds.inFlight + (4 * bounds.batch * 200 + 50 * bounds.ids) / 2 ** 20,
  engine: 256 + bounds.engine,
};

/** A few clients with small requests; and many with large ones, which together are far more than may be in flight. */
const few = { connections: 64, eventsPerRequest: 500 };
const many = { connections: 150, eventsPerRequest: 1500 };

test(
  "R18: five times more than it can take, and as fast as possible",
  { timeout: (seconds + 240) * 1000 },
  async (t) => {
    const seed = faultSeed();
    t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
    const dataDir = await mkdtemp(join(tmpdir(), "weir-overload-"));
    const server = await startServer({ dataDir, args });
    t.after(async () => {
      await server.killGroup();
      await rm(dataDir, { recursive: true, force: true });
    });
    await putBenchRules(server.queryUrl);
    await new Overload(t, server, seed).play();
  },
);

type Herd = typeof few;
type Pace = Pick<FloodOrder, "requestsPerSecond" | "forEachTaken">;
const asFastAsPossible: Pace = { requestsPerSecond: 0, forEachTaken: 0 };
const told = ({ requestsPerSecond, forEachTaken }: Pace): string =>
  requestsPerSecond > 0
    ? `${Math.round(requestsPerSecond)} requests/s and ${forEachTaken} for each that is taken`
    : "as fast as possible";

type Sent = { readonly shape: Shape; readonly result: FloodResult };

class Overload {
  readonly #t: TestContext;
  readonly #server: ServerProcess;
  readonly #seed: number;
  readonly #sent: Sent[] = [];

  constructor(t: TestContext, server: ServerProcess, seed: number) {
    this.#t = t;
    this.#server = server;
    this.#seed = seed;
  }

  async play(): Promise<void> {
    const { ingestUrl, queryUrl } = this.#server;
    const crowd = await this.#crowd();
    const takes = await this.#takes();
    const over = new AbortController();
    this.#t.after(() => over.abort());
    const watcher = new Watcher(queryUrl, "events_10s");
    let isCrowded = false;
    const polite = Promise.all(Array.from({ length: 3 }, () => sendPolitely(ingestUrl, over.signal, () => isCrowded)));
    const reader = readStats(queryUrl, "events_1m", over.signal);
    const fivefold = { requestsPerSecond: (2 * takes) / few.eventsPerRequest, forEachTaken: 5 };
    const byFew = await this.#flood(few, seconds / 2, fivefold);
    isCrowded = true;
    const byMany = await this.#flood(many, seconds / 2, asFastAsPossible);
    over.abort();
    const normalMs = await this.#untilNormal();
    this.#t.diagnostic(`normal after ${Math.round(normalMs)} ms`);
    await this.#checkMemory();
    checkRefusals(crowd, byFew, byMany);
    this.#checkPolite(await polite);
    this.#checkReader(await reader);
    // First: while all is counted anew this process reads nothing, and a watcher that does not read is cut.
    await this.#checkWatcher(watcher);
    await this.#checkCounts(await polite);
  }

  /** While the log has room only what is in flight is too much. */
  async #crowd(): Promise<FloodResult> {
    return this.#flood(many, measuredSeconds, asFastAsPossible, true);
  }

  /** What it acknowledges a second from clients that wait as long as they are told, while its log is full. */
  async #takes(): Promise<number> {
    const { acknowledgedRequests, seconds: took } = await this.#flood(few, measuredSeconds, asFastAsPossible, true);
    return (acknowledgedRequests * few.eventsPerRequest) / took;
  }

  async #flood(
    { connections, eventsPerRequest }: Herd,
    forSeconds: number,
    pace: Pace,
    obeys = false,
  ): Promise<FloodResult> {
    const shape = { seed: this.#seed + this.#sent.length, bodies: connections + 20, eventsPerRequest };
    const order = { url: this.#server.ingestUrl, shape, connections, ...pace, seconds: forSeconds, obeys };
    const result = await flood(order);
    this.#sent.push({ shape, result });
    const { acknowledged: _, ...seen } = result;
    this.#t.diagnostic(`${connections} clients, ${told(pace)}${obeys ? ", obedient" : ""}: ${JSON.stringify(seen)}`);
    assert.equal(result.unknown, 0, "requests were left without an answer");
    const { p90, p99 } = result.latency;
    if (connections === many.connections) assert.ok(p90 <= crowdedMsMax, `accepted after ${p90} ms (p90)`);
    else assert.ok(p99 <= acceptedMsMax, `accepted after ${p99} ms (p99)`);
    return result;
  }

  async #untilNormal(): Promise<number> {
    const from = performance.now();
    for (;;) {
      const response = await fetch(`${this.#server.queryUrl}/status`);
      const status = (await response.json()) as { lag_ms: number; log: { accepting: boolean } };
      const took = performance.now() - from;
      if (status.log.accepting && status.lag_ms < 1000) return took;
      assert.ok(took < normalWithinMs, `not normal after ${took} ms: ${JSON.stringify(status)}`);
      await pause(100);
    }
  }

  async #checkMemory(): Promise<void> {
    const server = highWaterMiB(this.#server.pid);
    const engine = highWaterMiB(await engineOf(this.#server.pid));
    this.#t.diagnostic(`memory: server ${server} MiB, engine ${engine} MiB at the most`);
    assert.ok(server <= memoryMiBMax.server, `the server took ${server} MiB; its bounds allow ${memoryMiBMax.server}`);
    assert.ok(engine <= memoryMiBMax.engine, `the engine took ${engine} MiB; its bounds allow ${memoryMiBMax.engine}`);
  }

  #checkPolite(clients: readonly Polite[]): void {
    for (const { accepted, crowded, gotIn, triesMax, odd } of clients) {
      const [calm, crowd, all] = [accepted.summary(), crowded.summary(), gotIn.summary()];
      const told = `${accepted.count} requests after ${JSON.stringify(calm)}, ${crowded.count} after ${JSON.stringify(crowd)}`;
      this.#t.diagnostic(`polite: ${told}, up to ${triesMax} tries, in after ${JSON.stringify(all)}`);
      assert.deepEqual(odd, [], "neither taken nor told when to come back");
      assert.ok(calm.p99 <= acceptedMsMax && crowd.p99 <= amongMsMax, `a polite client was accepted: ${told}`);
      assert.ok(all.max <= normalWithinMs, `a polite client got in only after ${all.max} ms`);
    }
  }

  #checkReader({ answered, failed }: Reader): void {
    this.#t.diagnostic(`/stats: ${answered.count} answers, ${JSON.stringify(answered.summary())}`);
    assert.deepEqual(failed, []);
    assert.ok(answered.count > 0);
    assert.ok(answered.summary().p90 <= readMsMax, `/stats took ${answered.summary().p90} ms (p90)`);
  }

  async #checkCounts(clients: readonly Polite[]): Promise<void> {
    const { queryUrl } = this.#server;
    const verdicts = await verifyCounts(
      queryUrl,
      benchRules,
      this.#sent.map(({ shape, result: { acknowledged } }) => ({ shape, acknowledged })),
    );
    assert.deepEqual(verdicts.wrong.slice(0, 20), []);
    assert.ok(verdicts.windows > benchRules.length);
    const [from, to] = [Date.now() - 2 * dayMs, Date.now() + dayMs];
    const rows = await allStats(queryUrl, "events_1d", from, to, `&event_type=${probeGroup}`);
    const counted = rows.reduce((sum, row) => sum + Number(row["value"]), 0);
    const acknowledged = clients.reduce((sum, { events }) => sum + events, 0);
    assert.equal(counted, acknowledged, "events of polite clients");
  }

  /** What was pushed last of each window is what it has. */
  async #checkWatcher(watcher: Watcher): Promise<void> {
    this.#t.diagnostic(`live: ${watcher.pushes} pushes, at most ${Math.round(watcher.longestGapMs)} ms apart`);
    assert.equal(watcher.closed, undefined);
    assert.ok(watcher.longestGapMs <= pushGapMsMax, `nothing was pushed for ${watcher.longestGapMs} ms`);
    const stats = await allStats(this.#server.queryUrl, "events_10s", Date.now() - dayMs, Date.now() + dayMs);
    const values = new Map(
      stats.map((row) => [JSON.stringify([row["window_start"], row["event_type"]]), row["value"]]),
    );
    await pause(1000);
    watcher.close();
    assert.ok(watcher.rows.size > 0);
    for (const [key, value] of watcher.rows)
      assert.equal(value, values.get(key), `a watcher has another value of ${key}`);
  }
}

function checkRefusals(crowd: FloodResult, fivefold: FloodResult, fastest: FloodResult): void {
  const offered = fivefold.acknowledgedRequests + refusals(fivefold);
  const times = offered / fivefold.acknowledgedRequests;
  assert.ok(times >= 5, `only ${times.toFixed(1)} times as much was offered as was taken`);
  for (const { refused, advised } of [crowd, fivefold, fastest]) {
    assert.deepEqual(
      Object.keys(refused).filter((status) => status !== "429" && status !== "503"),
      [],
    );
    assert.equal(advised["none"], undefined, "refused without being told when to come back");
    for (const after of Object.keys(advised)) assert.ok(Number(after) <= adviceSecondsMax, `told to wait ${after} s`);
  }
  assert.ok((fivefold.refused["503"] ?? 0) > 0, "the log was never full");
  assert.ok((crowd.refused["429"] ?? 0) > 0, "there was never too much in flight");
}

const refusals = ({ refused }: FloodResult): number => Object.values(refused).reduce((sum, n) => sum + n, 0);

const dayMs = 86_400_000;
const readMsMax = 5000;
const pushGapMsMax = 30_000;
const adviceSecondsMax = 10;

function highWaterMiB(pid: number): number {
  return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024);
}
