import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteErasures } from "../../src/erasure/sqlite/sqlite-register.ts";
import type { ErasureRegister } from "../../src/erasure/register.ts";
import { Eraser } from "../../src/eraser/eraser.ts";
import { pack } from "../../src/event/packed.ts";
import { offset, src } from "../../src/event/position.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { WeirError } from "../../src/lib/errors.ts";
import { type Counting, countingHere } from "../../src/assembly/counting.ts";
import { Processor } from "../../src/processor/processor.ts";
import { MemoryProgress } from "../../src/progress/memory-progress.ts";
import { Query } from "../../src/query/query.ts";
import type { Registry } from "../../src/rule/registry.ts";
import { openSqliteRegistry } from "../../src/rule/sqlite/sqlite-registry.ts";
import { Rulebook } from "../../src/rulebook/rulebook.ts";
import { rulesToRead } from "../../src/rulebook/rules-to-read.ts";
import { ClickHouseStore } from "../../src/store/clickhouse/clickhouse-store.ts";
import type { Connection } from "../../src/store/clickhouse/connection.ts";
import type { Life } from "../oracle/histories.ts";
import type { OracleEvent } from "../oracle/model.ts";
import { memoryLog } from "./memory-log.ts";
import { type MortalStore, mortalStore } from "./mortal-store.ts";
import { canonical } from "./raw-rows.ts";

/** Time flies and pauses are short, but what is done once a minute is done once. */
const hurried: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms >= caretakeEveryMs ? 2 ** 30 : Math.min(ms, 3), signal),
};
const caretakeEveryMs = 60_000;
/** Four worlds share an engine, beside other tests. */
const settledWithinMs = 600_000;

/** A process: what is made anew when it is started again. */
interface Incarnation {
  readonly mortal: MortalStore;
  readonly registry: Registry;
  readonly book: Rulebook;
  readonly progress: MemoryProgress;
  readonly processor: Processor;
  readonly register: ErasureRegister;
  readonly eraser: Eraser;
  readonly running: Promise<void>;
}

/**
 * The parts that count, put together as in the program: log, rulebook, processor and store on the real engine, without HTTP.
 * The log, the rules' file and the store's database stay when the process ends.
 */
export class World {
  readonly #folder: string;
  readonly #store: ClickHouseStore;
  readonly #asked: ClickHouseStore;
  /** What went wrong, newest last. */
  readonly #told: string[] = [];
  readonly #log = memoryLog({ now: () => this.#receivedAt });
  #receivedAt = 0;
  #appended = 0;
  #fatesMet = 0;
  #erasures = 0;
  #now: Incarnation | undefined;

  private constructor(folder: string, connection: Connection, asking: Connection) {
    this.#folder = folder;
    this.#store = new ClickHouseStore({ connection, clock: hurried });
    // A question has the seconds that it has anywhere.
    this.#asked = new ClickHouseStore({ connection: asking, clock: systemClock });
  }

  /** Its questions may go another way than its work, on which things go wrong. */
  static async make(connection: Connection, asking = connection): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), "weir-world-")), connection, asking);
  }

  get book(): Rulebook {
    assert.ok(this.#now, "nothing has been started");
    return this.#now.book;
  }

  async start(life: Life): Promise<void> {
    const mortal = mortalStore(this.#store, new Map(life.fates));
    const registry = await openSqliteRegistry({ file: join(this.#folder, "rules.sqlite") });
    const book = new Rulebook({ registry, ends: () => this.#log.ends(), clock: hurried, keepReplacedMs: 60_000 });
    await book.load();
    const progress = new MemoryProgress(hurried);
    const processor = this.#processor(mortal, book, progress, life);
    const running = processor
      .recover()
      .then(() => processor.run())
      .catch((error: unknown) => {
        // One that is stopped while it still asks where to go on has nothing to finish.
        const isStopped = error instanceof WeirError && error.code === "stopping";
        if (!mortal.dead() && !isStopped) throw error;
      });
    running.catch(() => {});
    const register = await openSqliteErasures({ file: join(this.#folder, "erasures.sqlite") });
    const eraser = this.#eraser(mortal, register, book, countingHere(processor, progress));
    eraser.start();
    this.#now = { mortal, registry, book, progress, processor, register, eraser, running };
  }

  /** Asks for events to be erased. */
  async erase(selector: { readonly user_id: string } | { readonly event_id: string }): Promise<void> {
    assert.ok(this.#now, "nothing has been started");
    await this.#now.eraser.request(selector);
    this.#erasures += 1;
  }

  /** How many writes have gone wrong in processes that have ended. */
  get fatesMet(): number {
    return this.#fatesMet;
  }

  /** Ends the process: in order, or at once when it is dead or dies of it. */
  async stop(): Promise<void> {
    if (this.#now === undefined) return;
    const { mortal, registry, book, processor, register, eraser, running } = this.#now;
    this.#now = undefined;
    await Promise.race([eraser.stop(settledWithinMs), mortal.died]);
    // One that dies while it drains would ask a store that answers nothing, for ever.
    await Promise.race([processor.drain(settledWithinMs), mortal.died.then(() => processor.drain(0))]);
    await running;
    // What a dead process has asked for, the engine does all the same.
    await mortal.still();
    this.#fatesMet += mortal.met();
    await register.close();
    await book.close();
    await registry.close();
  }

  /** Each is a record of its own, received when it says. */
  async append(events: readonly OracleEvent[]): Promise<void> {
    for (const event of events) {
      this.#receivedAt = event.receivedAt;
      const { event_id, event_type, user_id, timestamp, payload } = event;
      const texts = { event_id, event_type, user_id: String(user_id), payload: canonical(payload ?? {}) };
      await this.#log.append(pack([{ ...texts, timestamp: Number(timestamp) }]));
      this.#appended += 1;
    }
  }

  /** Waits until everything is counted and every rule is filled; a process that dies of it is followed by one that lives. */
  async settle(): Promise<void> {
    const deadline = performance.now() + settledWithinMs;
    while (!(await this.#isSettled())) {
      if (this.#now?.mortal.dead()) await this.restart(immortal);
      assert.ok(performance.now() < deadline, `not settled: ${this.#account()}`);
      await systemClock.sleep(2);
    }
  }

  async restart(life: Life): Promise<void> {
    await this.stop();
    await this.start(life);
  }

  /** The answering side, with the rules as they are now. */
  query(): Query {
    assert.ok(this.#now, "nothing has been started");
    const { book, processor, progress } = this.#now;
    return new Query({
      readsAtOnce: 4,
      store: this.#asked,
      rules: rulesToRead(book),
      progress,
      clock: systemClock,
      fill: (series) => processor.fill(series),
      cost: (series) => processor.cost(series),
      written: () => progress.ranges(),
      groupsMax: 1e6,
      log: () => this.#log.state(),
      rates: () => ({ accepted: 0, counted: 0 }),
      parts: () => ({}),
    });
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #account(): string {
    const { mortal, book, progress } = this.#now!;
    const [through, underWay, told] = [progress.countedThrough(), mortal.underWay(), this.#told.slice(-10)];
    return JSON.stringify({ through, underWay, told, rules: book.list() }, null, 1);
  }

  async #isSettled(): Promise<boolean> {
    if (this.#now === undefined || this.#now.mortal.dead()) return false;
    const { book, progress, register } = this.#now;
    if (this.#erasures > 0 && (await register.unfinished()).length > 0) return false;
    const all = [{ src: src(0), from: offset(0), to: offset(this.#appended - 1) }];
    const settled = (phase: string | undefined): boolean => phase === "live" || phase === "paused";
    return (
      (this.#appended === 0 || progress.isCounted(all)) &&
      book.list().every(({ versions }) => settled(versions.at(-1)?.phase))
    );
  }

  #eraser(mortal: MortalStore, register: ErasureRegister, book: Rulebook, counting: Counting): Eraser {
    return new Eraser({
      ...{ register, store: mortal.store, log: this.#log, clock: hurried, newId: randomUUID },
      windows: {
        rebuild: () => book.rebuild(),
        goOnRebuilding: () => book.goOnRebuilding(),
        rulesLeft: () => book.outdatedCount,
        waitingFor: () => undefined,
        idle: () => counting.filled(),
        dropOrphans: () => counting.dropOrphans(),
        written: (partition) => counting.written(partition),
      },
      report: (what, error) => void this.#told.push(`${what}: ${String(error)}`),
    });
  }

  #processor(mortal: MortalStore, rules: Rulebook, progress: MemoryProgress, life: Life): Processor {
    return new Processor({
      log: this.#log,
      store: mortal.store,
      rules,
      progress,
      clock: hurried,
      random: Math.random,
      metrics: {
        batch: () => {},
        stage: () => {},
        taken: () => {},
        narrowed: () => {},
        broken: (partition) => void this.#told.push(`partition ${partition} is broken`),
        ruleStopped: (id, reason) => void this.#told.push(`rule ${id} stopped: ${reason}`),
        rejected: (events, reason) => void this.#told.push(`${events} set aside: ${reason}`),
        retried: (stage, error) => void this.#told.push(`${stage}: ${String(error)}`),
      },
      report: (what, error) => void this.#told.push(`${what}: ${String(error)}`),
      groupsFull: () => {},
      limits: {
        batchEventsMax: life.batchEventsMax,
        batchBytesMax: 2 ** 20,
        flushDelayMs: 0,
        flushDelayMaxMs: 0,
        commitDelayMs: 50,
        dedupeIdsMax: 1000,
        dedupeIdsLoadedMax: 10,
        fillChunkEventsMax: life.fillChunkEventsMax,
        fillShare: 1,
        fillPollMs: 3,
        caretakeEveryMs,
        groupsMax: 1e6,
      },
    });
  }
}

/** No write of it goes wrong. */
const immortal: Life = { batchEventsMax: 50, fillChunkEventsMax: 50, fates: [] };
