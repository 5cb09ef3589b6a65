import assert from "node:assert/strict";
import type { Client } from "../../src/live/client.ts";
import { Hub } from "../../src/live/hub.ts";
import type { LiveConnection } from "../../src/live/hub.ts";
import type { LiveLimits } from "../../src/live/limits.ts";
import { WeirError } from "../../src/lib/errors.ts";
import { formatTime } from "../../src/lib/rfc3339.ts";
import { stats } from "../../src/query/stats.ts";
import type { Store } from "../../src/store/store.ts";
import { ExactTestClient } from "./exact-client.ts";
import type { Watch } from "./exact-client.ts";
import { MemoryProgress } from "./memory-progress.ts";
import { MemoryRules } from "./memory-rules.ts";
import { MemoryStore } from "./memory-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";

/** What happens next, in four numbers: what, to whom, and how. */
export type Step = readonly [kind: StepKind, who: number, what: number, how: number];

const weights = {
  count: 30,
  storedOnly: 3,
  tell: 3,
  remove: 4,
  fill: 3,
  advance: 21,
  read: 10,
  subscribe: 6,
  unsubscribe: 1,
  drop: 5,
  connect: 9,
  newVersion: 1,
  pause: 1,
  deleteRule: 1,
  restart: 1,
  store: 4,
} as const;
type StepKind = keyof typeof weights;
const kinds = Object.entries(weights).flatMap(([kind, weight]) => Array<StepKind>(weight).fill(kind as StepKind));

export const stepOf = ([kind, ...numbers]: readonly [number, number, number, number]): Step => [
  kinds[kind % kinds.length]!,
  ...numbers,
];

const minute = 60_000;
const ruleIds = ["plain", "kept", "grows", "hops"] as const;
const clientCount = 3;
/** Of 700 ms each: by then everybody has everything, also after the pause that follows a reading that took long. */
const restRounds = 21;

/** Small bounds, so that all of them are met. */
const limits: Partial<LiveLimits> = {
  tickMs: 100,
  sweepMs: 300,
  readGapMs: 50,
  readsInARow: 2,
  readsMax: 1,
  readRowsMax: 4,
  newestWindows: 4,
  spanWindowsMax: 6,
  windowsMax: 6,
  backlogBytesMax: 2500,
  backlogMsMax: 15_000,
  mirrorBytesMax: 1600,
  mirrorBytesAllMax: 4000,
  goneMax: 2,
  finalsMax: 4,
  finalsAtOnce: 3,
  lingerMs: 3000,
  heartbeatMs: 2000,
};

/** What takes part in the world: it is told when to read, and what it has is compared. */
export interface WorldClient {
  readonly assembler: Pick<ExactTestClient["assembler"], "from" | "rows">;
  readonly watches: ReadonlyMap<string, Watch>;
  readonly messages: readonly object[];
  watch(ruleId: string, watch: Watch): void;
  unwatch(ruleId: string): void;
  /** The line is there, or there again. */
  connect(): void;
  /** The line ends. */
  drop(): void;
  read(count?: number): void;
  lose(): void;
}

export type MakeClient = (connect: (client: Client) => LiveConnection, clock: SimulatedClock) => WorldClient;

/** The hub over rules and rows that a schedule changes, and clients that are slow, cut off and come back. */
export class World {
  /** For a canary. */
  static losesMessages = false;

  readonly clock = new SimulatedClock();
  readonly store = new MemoryStore();
  readonly progress = new MemoryProgress();
  readonly rules = new MemoryRules();
  readonly clients: readonly WorldClient[];
  readonly #base = this.clock.now();
  readonly #untold = new Set<number>();
  #hub: Hub;
  #processes = 0;
  #value = 0;
  readonly #asleep = new Set<WorldClient>();
  /** What the store's answers wait for. */
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  #fails = 0;
  /** They fail because they are too much to be read; else the store is away. */
  #isTooMuch = false;

  constructor(make: MakeClient = (connect) => new ExactTestClient(connect)) {
    for (const id of ruleIds) this.#setRule(id);
    this.#hub = this.#start();
    this.clients = Array.from({ length: clientCount }, () => make((client) => this.#hub.connect(client), this.clock));
    for (const client of this.clients) client.connect();
    for (const [index, client] of this.clients.entries())
      for (const ruleId of ruleIds.slice(index)) client.watch(ruleId, watchOf(index, this.#base));
  }

  async take([kind, who, what, how]: Step): Promise<void> {
    const client = this.clients[who % clientCount]!;
    const ruleId = ruleIds[what % ruleIds.length]!;
    switch (kind) {
      case "count":
        return this.#count(ruleId, who, how);
      case "storedOnly":
        return void this.#untold.add(this.#put(ruleId, who, how));
      case "tell":
        return this.#tell();
      case "remove":
        return this.#remove(ruleId, who, how);
      case "fill":
        this.#put(ruleId, who, how);
        return this.progress.changeSeries(this.#series(ruleId));
      case "advance":
        return this.#advance(
          [20, 100, 100, 300, 300, 300, 1000, 1000, 4000, 20, 100, 300, 300, 700, 700, 61_000][how]!,
          how,
        );
      case "read":
        return this.#read(client, how);
      case "subscribe":
        return client.watch(ruleId, watchOf(how, this.#base));
      case "unsubscribe":
        return client.unwatch(ruleId);
      case "drop":
        return client.drop();
      case "connect":
        return client.connect();
      case "newVersion":
        return this.#change(ruleId, how);
      case "pause":
        return this.#pause(ruleId, how);
      case "deleteRule":
        return this.#delete(ruleId, how);
      case "restart":
        return this.#restart();
      case "store":
        return this.#trouble(how);
    }
  }

  /** Nothing goes wrong any more, everybody reads, and what there is comes to rest. */
  async rest(): Promise<void> {
    this.#tell();
    this.#fails = 0;
    this.#open();
    this.progress.through = this.clock.now();
    // Not while a window ends: what is kept and what is final would change in between.
    if (this.clock.now() % minute > minute - 15_000) await this.clock.advance(20_000);
    for (let round = 1; round <= restRounds; round++) {
      for (const client of this.clients) {
        client.read();
        client.connect();
      }
      await this.clock.advance(700);
      for (const client of this.clients) client.read();
      if (round > 2 && (await this.#isAtRest())) break;
    }
  }

  #isAtRest(): Promise<boolean> {
    return this.check().then(
      () => true,
      () => false,
    );
  }

  /** What every client has is what `/stats` answers. */
  async check(): Promise<void> {
    for (const [index, client] of this.clients.entries())
      for (const ruleId of client.watches.keys()) {
        if (this.#find(ruleId) === undefined) continue;
        const from = client.assembler.from(ruleId);
        const last = (): string => JSON.stringify(client.messages.slice(-3));
        assert.ok(from !== undefined, `client ${index} has nothing of ${ruleId}; it got ${last()}`);
        const { data } = await stats(
          { rule_id: ruleId, start_time: from, end_time: formatTime(this.#base + 1000 * minute), limit: "10000" },
          this.rules.answering(this.rules.get(ruleId)),
          this,
          { now: () => this.clock.now() },
        );
        assert.deepEqual(client.assembler.rows(ruleId), data, `client ${index}, rule ${ruleId}`);
      }
  }

  close(): void {
    this.#hub.stop();
  }

  #start(): Hub {
    const live = { find: (id: string) => this.#find(id), answering: this.rules.answering.bind(this.rules) };
    const store: Pick<Store, "windows" | "newestPane"> = {
      windows: (query) => this.#late(() => this.store.windows(query)),
      newestPane: (series) => this.#late(() => this.store.newestPane(series)),
    };
    const { progress, clock } = this;
    const process = `p${++this.#processes}`;
    const hub = new Hub({ store, rules: live, progress, clock, process, limits });
    hub.start();
    return hub;
  }

  #find(ruleId: string) {
    return this.rules.list().find(({ rule_id }) => rule_id === ruleId);
  }

  /** The answer is of when it was asked, and comes when the gate opens. */
  async #late<T>(read: () => Promise<T>): Promise<T> {
    const answer = await read();
    await this.#gate;
    if (this.#fails > 0 && this.#fails-- > 0)
      throw this.#isTooMuch ? new WeirError("timeout", "too much") : new Error("the store is away for a moment");
    return answer;
  }

  #setRule(ruleId: string, more: object = {}): number {
    const kept = ruleId === "kept" ? { retentionSeconds: 300 } : {};
    const span = (count: number) => ({ unit: "second", count }) as const;
    const grows = { kind: "cumulative", size: span(180), hop: span(60), pane: span(60) } as const;
    const hops = { ...grows, kind: "hopping" } as const;
    return this.rules.set({
      ...{ rule_id: ruleId, windowSeconds: 60, latenessSeconds: 5 },
      ...(ruleId === "grows" && { window: grows }),
      ...(ruleId === "hops" && { window: hops }),
      ...{ ...kept, ...more },
    });
  }

  #series(ruleId: string): number {
    const record = this.#find(ruleId);
    return record === undefined ? 0 : this.rules.answering(record).version.series;
  }

  #count(ruleId: string, who: number, how: number): void {
    const start = this.#put(ruleId, who, how);
    this.#untold.add(start);
    if (how === 15) for (let more = 0; more < 8; more++) this.#untold.add(this.#put(ruleId, who + more, more));
    this.#tell(how === 14);
  }

  /** Sets the rows of an event around the clock; answers where one of the windows begins that it lies in. */
  #put(ruleId: string, who: number, how: number): number {
    const now = this.clock.now() - (this.clock.now() % minute);
    const at = now + ([0, 0, 0, -1, -1, -2, -3, -4, -6, -9, -12, 1, 2, 0, -5, -7][who % 16] ?? 0) * minute;
    const group = [`g${how % 3}`];
    const value = ++this.#value;
    const series = this.#series(ruleId);
    if (ruleId === "hops") {
      for (let windowStart = at; windowStart > at - 3 * minute; windowStart -= minute)
        this.store.set(series, { windowStart, windowEnd: windowStart + 3 * minute, group, value });
      return at;
    }
    if (ruleId !== "grows") {
      this.store.set(series, { windowStart: at, windowEnd: at + minute, group, value });
      return at;
    }
    const windowStart = at - (at % (3 * minute));
    for (let windowEnd = at + minute; windowEnd <= windowStart + 3 * minute; windowEnd += minute)
      this.store.set(series, { windowStart, windowEnd, group, value });
    return windowStart;
  }

  #tell(ofTooMany = false): void {
    const seconds = Array.from(this.#untold, (start) => start / 1000 + 7).toSorted((a, b) => a - b);
    this.#untold.clear();
    if (ofTooMany) this.progress.touch(null);
    else if (seconds.length > 0) this.progress.touch(seconds);
  }

  /** As an erasure or `having` may: a row, or all of a window, has gone. */
  #remove(ruleId: string, who: number, how: number): void {
    const series = this.#series(ruleId);
    const starts = [...new Set(this.store.rows(series).map(({ windowStart }) => windowStart))];
    const start = starts[who % Math.max(starts.length, 1)];
    if (start === undefined) return;
    this.store.remove(series, start, how % 2 === 0 ? undefined : `g${how % 3}`);
    this.#untold.add(start);
    this.#tell();
  }

  async #advance(ms: number, how: number): Promise<void> {
    if (how % 2 === 0) this.progress.through = this.clock.now();
    await this.clock.advance(ms);
    for (const client of this.clients) if (!this.#asleep.has(client)) client.read();
  }

  /** Falls asleep, reads one message in its sleep, or wakes up and reads all. */
  #read(client: WorldClient, how: number): void {
    if (World.losesMessages) client.lose();
    if (how < 6) this.#asleep.add(client);
    else if (how >= 9) this.#asleep.delete(client);
    client.read([0, 1, Infinity][Math.floor(how / 6)]);
  }

  /** Another version, with the windows of before but one. */
  #change(ruleId: string, how: number): void {
    const before = this.store.rows(this.#series(ruleId));
    const series = this.#setRule(ruleId, how % 3 === 0 ? { latenessSeconds: 70 } : {});
    for (const row of before.slice(how % 2)) this.store.set(series, row);
  }

  /** Stops and goes on, by the versions of the same series or, as after a fill, of another one. */
  #pause(ruleId: string, how: number): void {
    const record = this.#find(ruleId);
    if (record === undefined) return;
    const { version, series, phase } = this.rules.answering(record).version;
    const next = phase === "live" ? "paused" : "live";
    this.#setRule(ruleId, { phase: next, series, ...(how % 2 === 0 ? { version } : {}) });
  }

  #delete(ruleId: string, how: number): void {
    if (this.#find(ruleId) === undefined || how % 2 === 0) this.#setRule(ruleId);
    else this.rules.delete(ruleId);
  }

  #restart(): void {
    this.#hub.stop();
    this.#hub = this.#start();
  }

  #trouble(how: number): void {
    this.#open();
    this.#fails = how === 12 ? 12 : how % 4 === 0 ? 2 : 0;
    this.#isTooMuch = how % 8 === 4;
    if (how % 2 === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#open = resolve;
  }
}

function watchOf(how: number, base: number): { interval_ms: number; from?: string } {
  const interval_ms = [50, 100, 700, 2000][how % 4]!;
  const back = [undefined, undefined, 0, 2, 8, 100][how % 6];
  return { interval_ms, ...(back !== undefined && { from: formatTime(base - back * minute) }) };
}
