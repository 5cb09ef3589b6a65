import type { Registry } from "../../src/rule/registry.ts";
import { WeirError } from "../../src/lib/errors.ts";
import { openSqliteRegistry } from "../../src/rule/sqlite/sqlite-registry.ts";
import { type Random, mix, seeded } from "../support/random.ts";
import type { CommitFate } from "./disk-user.ts";
import { Disk } from "./disk.ts";
import { Engine, type EngineOdds, calm } from "./engine.ts";
import { type Death, Life, LifeClock } from "./life.ts";
import { type Plan, limitsOf } from "./plan.ts";
import { mortalRegistry } from "./registry.ts";
import { Scheduler } from "./scheduler.ts";
import { type Server, startServer } from "./server.ts";
import { simulatedStore } from "./store.ts";
import { type Spoiler, Tables } from "./tables.ts";
import { simulatedThreads } from "./threads.ts";
import { Trace } from "./trace.ts";
import { WallClock } from "./wall-clock.ts";
import { Windows } from "./windows.ts";

/** The machine, and the one process that runs on it at a time. */
export interface Running {
  readonly life: Life;
  readonly engine: Engine;
  /** Undefined while it starts. */
  server: Server | undefined;
  isStopping: boolean;
}

/** Everything around the server: time, disk, the engine's tables, the rules' file, and whatever goes wrong with them. */
export class World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly tables: Tables;
  readonly windows: Windows;
  /** What must not be, in the order in which it was found. */
  readonly findings: string[] = [];
  /** Called when the process has ended, in order or not. */
  readonly onEnd = new Set<() => void>();
  now: Running | undefined;
  readonly wall: WallClock;
  /** Wait for the next request of a client. */
  readonly atNextRequest: (() => void)[] = [];
  deaths = 0;
  clockSettings = 0;
  #plan: Plan;
  #isCalm = false;
  readonly #disk: Disk;
  #registry!: Registry;

  constructor(
    seed: number,
    plan: Plan,
    options: { readonly keepTrace: boolean; readonly spoiler?: Spoiler | undefined },
  ) {
    this.#plan = plan;
    this.scheduler = new Scheduler(plan.begin);
    this.wall = new WallClock(() => this.scheduler.now);
    this.random = seeded(mix(seed));
    this.trace = new Trace(() => this.scheduler.now, options.keepTrace);
    this.tables = new Tables(options.spoiler);
    this.windows = new Windows(this.tables);
    this.#disk = new Disk(this.random);
  }

  async open(): Promise<void> {
    const clock = new LifeClock(this.scheduler, new Life(this.scheduler, () => {}), () => 0);
    this.#registry = await openSqliteRegistry({ file: ":memory:", clock });
    this.start();
  }

  close(): Promise<void> {
    this.now?.life.end();
    return this.#registry.close();
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** From now on things go wrong, as this plan says. */
  rouse(plan: Plan): void {
    this.#plan = plan;
    this.#isCalm = false;
  }

  /** From now on nothing goes wrong any more. */
  calmDown(): void {
    this.#isCalm = true;
    if (this.now !== undefined) this.now.engine.awayUntil = 0;
  }

  get server(): Server | undefined {
    return this.now?.life.alive ? this.now.server : undefined;
  }

  start(): void {
    const life = new Life(this.scheduler, (death, where) => this.#died(death, where));
    const { scheduler, random, trace } = this;
    const odds = (): EngineOdds => (this.#isCalm ? calm : this.plan.engine);
    const passed = (place: string): void => this.#passed(life, place);
    const engine = new Engine({ scheduler, random, odds, trace }, life, passed);
    const running: Running = { life, engine, server: undefined, isStopping: false };
    this.now = running;
    trace.note("starts");
    this.#serve(running, passed).then(
      (server) => {
        trace.note("is ready");
        running.server = server;
      },
      (error: unknown) => this.#failed(running, error),
    );
  }

  kill(where: string): void {
    this.now?.life.die(this.#death(), where);
  }

  /** Ends the process in order, and starts another. */
  async restart(): Promise<void> {
    const { now: running, server } = this;
    if (running === undefined || server === undefined) return;
    this.trace.note("stops");
    running.server = undefined;
    running.isStopping = true;
    for (const tell of this.onEnd) tell();
    // One that dies while it stops will never have stopped.
    await Promise.race([server.stop(), running.life.ended]);
    if (!running.life.alive) return;
    running.life.end();
    this.start();
  }

  #serve(running: Running, passed: (place: string) => void): Promise<Server> {
    const { life, engine } = running;
    const { scheduler, random, trace } = this;
    const odds = (probability: number): boolean => !this.#isCalm && random.chance(probability);
    return startServer({
      threads: simulatedThreads(scheduler, life, this.#disk, {
        syncMs: () => (odds(this.plan.slowSync) ? 300 : 0.5 + random.next() * 5),
        commitFate: () => this.#commitFate(odds),
        passed,
      }),
      store: simulatedStore(this.tables, this.windows, engine, () => this.#memoryEvents),
      registry: mortalRegistry(this.#registry, life, {
        random,
        passed,
        fails: () => (this.#isCalm ? 0 : this.plan.registryFails),
      }),
      clock: new LifeClock(scheduler, life, () => this.wall.offset),
      random: () => random.next(),
      limits: limitsOf(random, this.plan.fillPollMs),
      logBytesMax: random.chance(0.2) ? 4_000 : 1e9,
      tickMs: this.plan.tickMs,
      tailBytesMax: this.plan.tailBytesMax,
      failed: (error) => this.#failed(running, error),
      report: (what) => trace.note(what),
    });
  }

  #commitFate(odds: (probability: number) => boolean): CommitFate {
    if (odds(this.plan.syncFails)) return this.#failSync();
    return odds(this.plan.diskFull) ? "disk full" : "synced";
  }

  /** A disk that fails often takes the machine with it. */
  #failSync(): CommitFate {
    if (this.random.chance(0.5)) this.scheduler.after(this.random.int(20), () => this.kill("the disk fails"));
    return "sync fails";
  }

  /** A process that can't go on ends; only what passes may keep it from starting. */
  #failed({ life, isStopping }: Running, error: unknown): void {
    if (!life.alive) return;
    const isKnown = error instanceof WeirError;
    // What a stop gives up is found by the next start.
    if (isStopping && isKnown && error.code === "stopping") return;
    const passes = isKnown && (error.canRetry || error.code === "log_failed");
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (!passes) this.findings.push(`the server failed: ${text}`);
    this.trace.note(`failed: ${String(error)}`);
    this.scheduler.after(0, () => life.die("process", "a failure"));
  }

  /** Memory is scarce by turns of three seconds. */
  get #memoryEvents(): number {
    const isScarce = !this.#isCalm && Math.floor(this.scheduler.now / 3_000) % 2 === 0;
    return isScarce ? this.plan.memoryEvents : Infinity;
  }

  #passed(life: Life, place: string): void {
    if (!this.#isCalm && this.random.chance(this.plan.dies)) life.die(this.#death(), place);
  }

  #death(): Death {
    return this.random.chance(this.plan.machineDies) ? "machine" : "process";
  }

  #died(death: Death, where: string): void {
    this.deaths += 1;
    this.trace.note(`the ${death} dies: ${where}`);
    this.#disk.crash(death, this.scheduler.now);
    for (const tell of this.onEnd) tell();
    this.scheduler.after(20 + this.random.int(1500), () => this.start());
  }
}
