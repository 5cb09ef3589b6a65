import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { repeated } from "../support/api.ts";
import { type Sharded, playedCluster } from "../support/played-shards.ts";
import { type ServerProcess, endedInOrder } from "../support/server-process.ts";
import type { ServerAccess } from "../support/server-store.ts";
import { type TardyProxy, openTardyProxy } from "../support/tardy-proxy.ts";
import { Gate } from "./on-server.ts";
import type { Stage } from "./stage.ts";

/** What the processes of a crew share. */
export interface Shared {
  readonly brokers: readonly string[];
  /** With `urls`: several servers, whose cluster is the played one. */
  readonly store: ServerAccess & Partial<Sharded>;
  readonly mongoUrl: string;
  readonly partitions: number;
  readonly sessionMs: number;
  /** How far apart batches are at the least. */
  readonly flushMs?: number;
  /** Name of the topic, the database and the group, where several crews share the servers. */
  readonly installation?: string;
  /** More arguments of each. */
  readonly args?: readonly string[];
}

/** One of several Weir processes: a folder and a line to the store of its own. */
export class Seat {
  readonly gate: Gate;
  /** All of them together. */
  readonly line: Pick<TardyProxy, "arrived" | "waiting" | "lost">;
  /** One to each server. */
  readonly #lines: readonly TardyProxy[];
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #shared: Shared;
  readonly stops = { inTime: 0, late: 0 };
  #server: ServerProcess | undefined;
  /** How often another has claimed what it was counting, in the lives before this one. */
  #takenBefore = 0;

  private constructor(stage: Stage, folder: string, shared: Shared, lines: readonly TardyProxy[], gate: Gate) {
    this.#stage = stage;
    this.#folder = folder;
    this.#shared = shared;
    this.#lines = lines;
    this.line = together(lines);
    this.gate = gate;
  }

  static async make(stage: Stage, name: string, shared: Shared): Promise<Seat> {
    const gate = new Gate();
    const { urls = [shared.store.url] } = shared.store;
    const lines = await Promise.all(urls.map((url) => openTardyProxy(url, (statement) => gate.wait(statement))));
    return new Seat(stage, join(stage.dataDir, name), shared, lines, gate);
  }

  get server(): ServerProcess {
    assert.ok(this.#server, "this process does not run");
    return this.#server;
  }

  /** `env`: more of its environment, for this life. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const {
      brokers,
      store,
      mongoUrl,
      partitions,
      sessionMs,
      installation = "weir",
      flushMs = 800,
      args = [],
    } = this.#shared;
    const kafka = ["--kafka-brokers", brokers.join(), "--kafka-partitions", String(partitions)];
    const session = ["--kafka-session", `${sessionMs}ms`, "--mongo-url", mongoUrl];
    const urls = this.#lines.map(({ url }) => url);
    const shards = urls.length > 1 ? ["--clickhouse-shards", playedCluster] : [];
    const clickhouse = ["--clickhouse-url", urls.join(), "--clickhouse-user", store.username, ...shards];
    const names = ["--kafka-topic", `${installation}_events`, "--clickhouse-database", installation];
    // Batches as they come would leave the processors of a small machine to the engine's statements, and none to the test.
    const group = ["--kafka-group", installation, "--flush-delay", `${flushMs}ms`];
    this.#server = await this.#stage.start(
      {
        args: [...kafka, ...session, ...clickhouse, ...names, ...group, ...args],
        env: { WEIR_CLICKHOUSE_PASSWORD: store.password, ...env },
        readyTimeoutMs: 180_000,
      },
      this.#folder,
    );
  }

  async leave(): Promise<void> {
    this.#takenBefore = await this.taken();
    const inTime = await endedInOrder(this.server);
    this.stops[inTime ? "inTime" : "late"] += 1;
  }

  async kill(): Promise<void> {
    this.#takenBefore = await this.taken();
    await this.server.killGroup();
  }

  freeze(): void {
    process.kill(this.server.pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.server.pid, "SIGCONT");
  }

  partitions(): Promise<number> {
    return this.metric("weir_partitions");
  }

  async taken(): Promise<number> {
    return this.#takenBefore + (await this.metric("weir_partitions_taken_total"));
  }

  /** Inserts of it that came so late that they were another's to write. */
  get refused(): number {
    return this.line.arrived.filter(({ answer }) => answer.includes("claim is not in force")).length;
  }

  async close(): Promise<void> {
    this.gate.open();
    await Promise.all(this.#lines.map((line) => line.close()));
  }

  /** In this life of it. */
  async metric(name: string): Promise<number> {
    const text = await (await repeated(`${this.server.queryUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  }
}

function together(lines: readonly TardyProxy[]): Seat["line"] {
  const sum = (of: (line: TardyProxy) => number): number => lines.reduce((all, line) => all + of(line), 0);
  return {
    get arrived() {
      return lines.flatMap((line) => line.arrived);
    },
    waiting: () => sum((line) => line.waiting()),
    lost: () => sum((line) => line.lost()),
  };
}

/** Resolves when these count all partitions, each at least one. */
export async function untilDivided(seats: readonly Seat[], partitions: number): Promise<void> {
  // A machine that keeps processes from their heartbeats makes them join again and again, until it has time for all.
  const end = performance.now() + 300_000;
  for (;;) {
    const counts = await Promise.all(seats.map((seat) => seat.partitions()));
    if (counts.every((count) => count > 0) && counts.reduce((sum, count) => sum + count, 0) === partitions) return;
    assert.ok(performance.now() < end, `partitions are not divided: ${counts.join(" ")}`);
    await pause(400);
  }
}
