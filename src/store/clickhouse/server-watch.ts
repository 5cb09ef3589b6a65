import type { Clock } from "../../lib/clock.ts";
import { selectNamed } from "./claim-statements.ts";
import type { Connection, EngineLife } from "./connection.ts";
import { versionOf } from "./opening.ts";
import { type Expected, Unanswered } from "./unanswered.ts";

export interface ServerWatchOptions {
  /** Of its own: its questions are asked also when nobody should wait for the server any more. */
  readonly probe: Connection;
  readonly clock: Clock;
  readonly log: (level: "info" | "warn", message: string, facts: Record<string, unknown>) => void;
  /** How often the server is asked for a sign of life, how long one may take, and how many it may owe. */
  readonly pingMs?: number;
  readonly pingsOwedMax?: number;
}

/** Watches a ClickHouse server that somebody else runs: whether it answers, and which version it is. */
export class ServerWatch implements EngineLife {
  readonly #options: ServerWatchOptions;
  readonly #silenceListeners: (() => void)[] = [];
  readonly #ended = new AbortController();
  readonly #unanswered: Unanswered;
  #stopPings: () => void = () => {};
  #stopLooks: () => void = () => {};
  #owed = 0;
  #returns = 0;
  #version: string | null = null;

  constructor(options: ServerWatchOptions) {
    this.#options = options;
    const { probe, clock, log } = options;
    this.#unanswered = new Unanswered({
      clock,
      running: async (ids, signal) => {
        const rows = await probe.rows<{ id: string }>(selectNamed(probe.facts.cluster, ids), signal);
        return new Set(rows.map(({ id }) => id));
      },
      lost: (id, afterMs) =>
        log("warn", "an answer of the ClickHouse server got lost", { id, afterMs, address: probe.whom.address }),
    });
  }

  start(): void {
    const { clock, pingMs = 1000 } = this.#options;
    void this.#lookAtVersion();
    this.#stopPings = clock.every(pingMs, () => void this.#ping());
    this.#stopLooks = this.#unanswered.start();
  }

  /** `ClickHouse 26.7.2.1 at http://…`, as far as it is known. */
  describe(): string {
    const { address } = this.#options.probe.whom;
    return this.#version === null ? `ClickHouse at ${address}` : `ClickHouse ${this.#version} at ${address}`;
  }

  answering(): boolean {
    return this.#owed < (this.#options.pingsOwedMax ?? 5);
  }

  expect(id: string, bytes: number): Expected {
    return this.#unanswered.expect(id, bytes);
  }

  onSilence(listener: () => void): void {
    this.#silenceListeners.push(listener);
  }

  /** How often it was there again after it had been silent. */
  get returns(): number {
    return this.#returns;
  }

  async stop(): Promise<void> {
    this.#stopPings();
    this.#stopLooks();
    this.#ended.abort();
    await this.#options.probe.close();
  }

  async #ping(): Promise<void> {
    const { probe, pingMs = 1000 } = this.#options;
    const wasAnswering = this.answering();
    this.#owed++;
    if (wasAnswering && !this.answering()) this.#silent();
    try {
      await probe.ping(AbortSignal.any([AbortSignal.timeout(pingMs), this.#ended.signal]));
    } catch {
      return;
    }
    const isBack = !this.answering();
    this.#owed = 0;
    if (isBack) this.#back();
    else if (this.#version === null) void this.#lookAtVersion();
  }

  #silent(): void {
    const { log, probe } = this.#options;
    log("warn", "the ClickHouse server does not answer", { address: probe.whom.address });
    for (const listener of this.#silenceListeners) listener();
  }

  /** It may have been updated meanwhile. */
  #back(): void {
    const { log, probe } = this.#options;
    this.#returns++;
    log("info", "the ClickHouse server answers again", { address: probe.whom.address });
    void this.#lookAtVersion();
  }

  async #lookAtVersion(): Promise<void> {
    this.#version = await versionOf(this.#options.probe).catch(() => this.#version);
  }
}
