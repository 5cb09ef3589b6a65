import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LiveClient } from "../../test/support/live-client.ts";
import { MemoryProgress } from "../../test/support/memory-progress.ts";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { formatTime } from "../lib/rfc3339.ts";
import { Hub } from "./hub.ts";
import type { LiveLimits } from "./limits.ts";

const windowMs = 60_000;
const ruleIds = ["a", "b"];
const intervals = [50, 100, 1000, 5000];

type Step =
  | {
      readonly kind: "count";
      readonly rule: number;
      readonly windows: readonly number[];
      readonly group: number;
      readonly tell: "seconds" | "series";
    }
  | {
      readonly kind: "subscribe" | "unsubscribe";
      readonly client: number;
      readonly rule: number;
      readonly interval: number;
    }
  | { readonly kind: "backlog"; readonly client: number; readonly bytes: number }
  | { readonly kind: "store"; readonly delayMs: number; readonly fails: boolean }
  | { readonly kind: "version"; readonly rule: number }
  | { readonly kind: "advance"; readonly ms: number };

const rule = fc.nat({ max: ruleIds.length - 1 });
const client = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("count" as const),
      rule,
      windows: fc.array(fc.nat({ max: 90 }), { minLength: 1, maxLength: 4 }),
      group: fc.nat({ max: 3 }),
      tell: fc.constantFrom("seconds", "seconds", "seconds", "series"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("subscribe" as const, "subscribe" as const, "unsubscribe" as const),
      client,
      rule,
      interval: fc.constantFrom(...intervals),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("backlog" as const), client, bytes: fc.constantFrom(0, 0, 300_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("store" as const),
      delayMs: fc.constantFrom(0, 3, 40, 200),
      fails: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("version" as const), rule }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 10, 26, 100, 400, 2000) }),
  },
);

/** Small bounds, so that cuts, runs and eviction take part. */
const limits: Partial<LiveLimits> = {
  rowsKept: 20,
  rowsMax: 100_000,
  readRowsMax: 12,
  readsInARow: 2,
  newestWindows: 5,
  spanWindowsMax: 20,
  readsMax: 1,
};

class World {
  readonly clock = new SimulatedClock();
  readonly store = new MemoryStore();
  readonly progress = new MemoryProgress();
  readonly rules = new MemoryRules();
  readonly base = this.clock.now() - (this.clock.now() % windowMs);
  readonly clients: LiveClient[] = [];
  /** Per client and rule, the rows that changed since it subscribed. */
  readonly owed = new Map<string, Set<string>>();
  readonly hub: Hub;
  #value = 0;
  /** Windows that changed last without being named: only the newest ones are looked through for such changes. */
  readonly #filled = new Set<number>();

  constructor() {
    for (const rule_id of ruleIds) this.rules.set({ rule_id, windowSeconds: windowMs / 1000 });
    const live = {
      find: (id: string) => this.rules.list().find((one) => one.rule_id === id),
      answering: this.rules.answering.bind(this.rules),
    };
    this.hub = new Hub({
      store: this.store,
      rules: live,
      progress: this.progress,
      clock: this.clock,
      process: "test",
      limits,
    });
    this.hub.start();
    for (let index = 0; index < 3; index++) {
      const one = new LiveClient(this.clock);
      one.connection = this.hub.connect(one);
      this.clients.push(one);
    }
  }

  series(ruleId: string): number {
    return this.rules.get(ruleId).versions.at(-1)!.series;
  }

  async run(one: Step): Promise<void> {
    switch (one.kind) {
      case "count":
        return this.#count(one);
      case "subscribe":
        this.clients[one.client]!.say({ subscribe_rules: [ruleIds[one.rule]], interval_ms: one.interval });
        if (!this.owed.has(key(one))) this.owed.set(key(one), new Set());
        return;
      case "unsubscribe":
        this.clients[one.client]!.say({ unsubscribe_rules: [ruleIds[one.rule]] });
        return void this.owed.delete(key(one));
      case "backlog":
        return void (this.clients[one.client]!.backlog = one.bytes);
      case "store":
        return this.#slowDown(one.delayMs, one.fails);
      case "version":
        return this.#newVersion(ruleIds[one.rule]!);
      case "advance":
        return this.clock.advance(one.ms);
    }
  }

  #count({ rule: index, windows, group, tell }: Extract<Step, { kind: "count" }>): void {
    const starts = [...new Set(windows)].map((window) => this.base + window * windowMs).toSorted((a, b) => a - b);
    const series = this.series(ruleIds[index]!);
    for (const windowStart of starts) {
      this.store.set(series, { windowStart, group: [`g${group}`], value: ++this.#value });
      if (tell === "series") this.#filled.add(windowStart);
      else this.#filled.delete(windowStart);
    }
    for (const [name, owed] of this.owed)
      if (name.endsWith(`:${index}`)) for (const start of starts) owed.add(rowKey(start, `g${group}`));
    if (tell === "series") this.progress.changeSeries(series);
    else this.progress.touch(starts.map((start) => start / 1000 + 7));
  }

  #slowDown(delayMs: number, fails: boolean): void {
    let calls = 0;
    this.store.before = async () => {
      if (delayMs > 0) await this.clock.sleep(delayMs);
      if (fails && ++calls % 3 === 0) throw new Error("the store is away for a moment");
    };
  }

  /** A version of the same shape with the same windows and newer values for some. */
  #newVersion(ruleId: string): void {
    const before = this.store.rows(this.series(ruleId));
    const series = this.rules.set({ rule_id: ruleId, windowSeconds: windowMs / 1000 });
    for (const row of before) this.store.set(series, row);
  }

  async settle(): Promise<void> {
    for (const one of this.clients) one.backlog = 0;
    this.store.before = async () => {};
    await this.clock.advance(60_000);
  }

  /** For every client: what it put together is what the store has, in all rows that it is owed. */
  check(): void {
    for (const [watcher, owed] of this.owed) {
      const [index, ruleIndex] = watcher.split(":").map(Number);
      const ruleId = ruleIds[ruleIndex!]!;
      const assembled = this.clients[index!]!.assembled.get(ruleId) ?? new Map<string, number>();
      const rows = this.store.rows(this.series(ruleId));
      const newest = rows.reduce((latest, row) => Math.max(latest, row.windowStart), 0);
      const isKnown = (start: number): boolean => !this.#filled.has(start) || start > newest - 5 * windowMs;
      for (const row of rows.filter(({ windowStart }) => isKnown(windowStart))) {
        const name = rowKey(row.windowStart, row.group[0] ?? null);
        if (owed.has(name)) assert.equal(assembled.get(name), row.value, `client ${index}, rule ${ruleId}, ${name}`);
      }
    }
  }
}

const rowKey = (windowStart: number, group: string | null): string => JSON.stringify([formatTime(windowStart), group]);
const key = (one: { client: number; rule: number }): string => `${one.client}:${one.rule}`;

test("what a client has put together is what the store has, in every row that changed since it subscribed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new World();
      for (const one of steps) await world.run(one);
      await world.settle();
      world.check();
      for (const one of world.clients) assert.equal(one.closedFor, undefined);
    }),
    { numRuns: 50 },
  );
});
