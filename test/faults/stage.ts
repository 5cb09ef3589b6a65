import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { allEvents, allStats, postCounted, putRule, rulesSettled } from "../support/api.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../support/server-process.ts";
import { check } from "./checker.ts";
import { FaultEvents } from "./fault-events.ts";
import { Ledger, type WireEvent } from "./ledger.ts";
import type { Onlooker } from "./onlooker.ts";
import type { FaultRule } from "./recompute.ts";
import { Senders, type SenderOptions } from "./senders.ts";

const dayMs = 86_400_000;
const patienceMs = 120_000;
/** The usual load: always something under way, and not so much that most of the time goes into comparing it at the end. */
const usualLoad = { senders: 4, requestEventsMax: 300, retryShare: 0.3, repeatShare: 0.2, pauseMs: 20 };
/** What is acknowledged before an event is counted before it in the same partition only: so many reach each of a few. */
const closingEvents = 128;

/** Where a server, or several with a part of the roles each, can be reached. */
type Addresses = Pick<ServerProcess, "ingestUrl" | "queryUrl">;

/** A data folder, a ledger and clients: what stays when the server is killed. */
export class Stage {
  readonly seed: number;
  readonly ledger = new Ledger();
  readonly senders: Senders;
  readonly #now = Date.now();
  readonly dataDir: string;
  readonly #closing: FaultEvents;
  readonly #servers: ServerProcess[] = [];
  #onlooker: Onlooker | undefined;

  constructor(seed: number, dataDir: string, options: Partial<SenderOptions>) {
    this.seed = seed;
    this.dataDir = dataDir;
    this.#closing = new FaultEvents(seed + 1, this.#now);
    this.senders = new Senders(this.ledger, { ...usualLoad, ...options, seed, now: this.#now });
  }

  /**
   * Makes a stage, runs `play` on it, and clears up; a failure names the seed, or that of the test of which this is a part. The
   * folder is a temporary one, if none is given.
   */
  static async run(
    seed: number,
    options: Partial<SenderOptions>,
    play: (stage: Stage) => Promise<void>,
    { folder, partOf = seed }: { readonly folder?: string; readonly partOf?: number } = {},
  ): Promise<void> {
    const dataDir = folder ?? (await mkdtemp(join(tmpdir(), "weir-fault-")));
    const stage = new Stage(seed, dataDir, options);
    try {
      await play(stage);
    } catch (error) {
      throw new Error(
        `seed ${seed} (repeat with WEIR_FAULT_SEED=${partOf})\n${stage.#servers.at(-1)?.output() ?? ""}`,
        {
          cause: error,
        },
      );
    } finally {
      stage.#onlooker?.drop();
      await stage.senders.stop();
      for (const server of stage.#servers) await server.killGroup();
      await rm(dataDir, { recursive: true, force: true });
    }
  }

  get server(): ServerProcess {
    const server = this.#servers.at(-1);
    assert.ok(server, "the server has not been started");
    return server;
  }

  /** One of several has a folder of its own. */
  async start(options: Omit<ServerOptions, "dataDir"> = {}, folder = this.dataDir): Promise<ServerProcess> {
    const server = await startServer({ dataDir: folder, ...options });
    this.#servers.push(server);
    await this.#onlooker?.connect(server.queryUrl);
    return server;
  }

  async putRules(rules: readonly FaultRule[], at: Addresses = this.server): Promise<void> {
    for (const rule of rules) await putRule(at.queryUrl, { ...rule, active: true });
  }

  /** From now on somebody watches these rules, comes back to each server that is started, and is judged by `verify`. */
  async watch(rules: readonly string[]): Promise<void> {
    // With the schemas of what it is sent, which hardly a test needs and take long to load.
    const { Onlooker } = await import("./onlooker.ts");
    this.#onlooker = new Onlooker(rules);
    await this.#onlooker.connect(this.server.queryUrl);
  }

  /** An event of its own, which is not written down yet. */
  make(): WireEvent {
    return this.#closing.make();
  }

  /** Waits until clients have had so many more events acknowledged: how long that takes is the machine's business. */
  async untilAcknowledged(more: number): Promise<void> {
    const before = this.ledger.summary().acknowledged;
    for (
      const end = performance.now() + patienceMs;
      this.ledger.summary().acknowledged < before + more;
      await pause(20)
    )
      assert.ok(performance.now() < end, "no events are acknowledged");
  }

  /** Of clients that are patient: every request was taken in the end, nearly all of them at the first attempt. */
  clientsWereNotToNotice(): void {
    const { requests } = this.ledger.summary();
    assert.deepEqual([requests.unknown, requests.refused], [0, 0], "clients were not to notice");
    // A broker of a busy machine may not answer for a moment.
    const { resent } = this.senders;
    assert.ok(resent <= 0.05 * requests.acknowledged, `${resent} of ${requests.acknowledged} had to be sent again`);
  }

  /** Waits until all is counted and every rule filled, then compares everything with the ledger. */
  async verify(rules: readonly FaultRule[], at: Addresses = this.server): Promise<void> {
    const last = Array.from({ length: closingEvents }, () => this.#closing.make());
    this.ledger.sent(last);
    await postCounted(at.ingestUrl, last);
    this.ledger.settled(last, "acknowledged");
    await rulesSettled(
      at.queryUrl,
      undefined,
      rules.map(({ rule_id: id }) => id),
    );
    const findings = check(this.ledger, rules, await this.#view(rules, at.queryUrl));
    const summary = `${findings.length} findings; ledger ${JSON.stringify(this.ledger.summary())}`;
    assert.equal(findings.length, 0, `${summary}\n${findings.slice(0, 20).join("\n")}`);
    await this.#onlooker?.agrees(at.queryUrl, this.#now + dayMs);
  }

  async #view(
    rules: readonly FaultRule[],
    queryUrl: string,
  ): Promise<{ raw: WireEvent[]; windows: Map<string, Record<string, unknown>[]> }> {
    const [from, to] = [this.#now - 60 * dayMs, this.#now + dayMs];
    const raw = (await allEvents(queryUrl, from, to)).map(wireEvent);
    const windows = new Map<string, Record<string, unknown>[]>();
    for (const rule of rules) windows.set(rule.rule_id, await allStats(queryUrl, rule.rule_id, from, to));
    return { raw, windows };
  }
}

/** For a start that a failpoint may end: a server that died of that has no process, and any other end is an error. */
export function diedBeforeReady(error: unknown): undefined {
  assert.match(String(error), /ended before it was ready \(code null, signal SIGKILL\)/);
  return undefined;
}

/** The seed of a fault test: from the environment to repeat a failure, else new for every run. */
export function faultSeed(): number {
  const given = process.env["WEIR_FAULT_SEED"];
  return given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
}

function wireEvent(row: Record<string, unknown>): WireEvent {
  const { event_id, user_id, event_type, timestamp, payload } = row;
  const texts = [event_id, user_id, event_type, timestamp];
  assert.ok(
    texts.every((text) => typeof text === "string") && typeof payload === "object" && payload !== null,
    JSON.stringify(row),
  );
  const [id = "", user = "", type = "", time = ""] = texts.map(String);
  return {
    event_id: id,
    user_id: user,
    event_type: type,
    timestamp: time,
    payload: Object.fromEntries(Object.entries(payload)),
  };
}
