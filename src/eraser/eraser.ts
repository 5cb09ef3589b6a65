import type { Erasure, ErasureRegister, ErasureState } from "../erasure/register.ts";
import { type Offset, type Src, src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { messageOf, WeirError } from "../lib/errors.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { Log } from "../log/log.ts";
import type { ErasureAnswer, ErasuresAnswer } from "../protocol/erasures.ts";
import { isDamaged, restOfDamagedMs } from "../store/damaged.ts";
import type { Store } from "../store/store.ts";
import { Holdup } from "./holdup.ts";
import { digestOf, erasureAnswer, selectorOf } from "./request.ts";
import { Share } from "./share.ts";
import type { Sharing } from "./share.ts";

/** What is done for the rules while events are taken out. */
export interface Windows {
  /** Begins to make the windows of all rules anew from raw rows. */
  rebuild(): Promise<void>;
  /** Goes on with it; answers of how many rules windows are left. */
  goOnRebuilding(): Promise<number>;
  /** The same, as far as it is known here. */
  rulesLeft(): number;
  /** What making them anew stands still for, for people, as far as it is known here; undefined: nothing. */
  waitingFor(): string | undefined;
  /** Resolves when no fill of this process writes what it has read before. */
  idle(): Promise<void>;
  /** Drops the windows that nobody needs any more. */
  dropOrphans(): Promise<void>;
  /** Up to where live processing has stored and rolled up a partition. */
  written(partition: number): Offset;
}

/** A second place of events. */
export interface ArchiveToErase {
  /** It has everything of a partition that lies below. */
  written(partition: number): Offset;
  erase(erasure: Pick<Erasure, "by" | "values" | "below">): Promise<void>;
}

export interface EraserDeps {
  readonly register: ErasureRegister;
  readonly store: Pick<Store, "noteErasing" | "eraseNoted" | "purge" | "settle">;
  readonly log: Pick<Log, "ends" | "commit" | "scrub" | "shared">;
  readonly windows: Windows;
  /** Where events are kept as well, if anywhere. */
  readonly archive?: ArchiveToErase;
  /** That others have the same register; missing: this process is the only one. */
  readonly sharing?: Sharing;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly report: (message: string, error: unknown) => void;
}

/** How often it is looked whether a step can be taken. */
const pollMs = 200;
const restMs = 2000;
/** The same where the register is others', too, and how often it is looked whether there is anything to do. */
const sharedPollMs = 1000;
const sharedRestMs = 15_000;
/** Erasures that are not done, and values of all of them, which are read at each look; over it one more is refused. */
const [unfinishedMax, valuesMax] = [1000, 10_000];

/**
 * Takes events out for good: out of the raw rows, then out of all that was computed of them (docs/decisions/0017). Each
 * step can be done again, and the next state is stored when it is done, so that a process that dies is followed by one that
 * goes on. Those that wait are taken together: the rules' windows are made anew once for all of them.
 */
export class Eraser {
  readonly #deps: EraserDeps;
  readonly #stop = new AbortController();
  #poke: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  readonly #share: Share;
  /** What the step failed with that is to be taken; what lasts is reported once. */
  #failure: string | undefined;
  #waitingFor: string | undefined;
  /** It is of files of the store, which somebody has to mend. */
  #isDamaged = false;
  readonly #holdup = new Holdup();

  constructor(deps: EraserDeps) {
    this.#deps = deps;
    this.#share = new Share(deps.clock, deps.sharing);
  }

  /** Asks for events to be erased, of all that were accepted until now; when it has answered, it will be done. */
  async request(raw: Readonly<Record<string, unknown>>): Promise<ErasureAnswer> {
    const { register, log, clock, newId, sharing } = this.#deps;
    const selector = selectorOf(raw);
    checkRoom(await register.unfinished(), selector.values.length);
    const id = newId();
    const erasure: Erasure = {
      ...selector,
      id,
      digests: selector.values.map((value) => digestOf(id, value)),
      below: Object.fromEntries(await log.ends()),
      state: "waiting",
      ...(sharing === undefined ? {} : { askedOf: sharing.process }),
      ...{ events: null, requestedAt: clock.now(), removedAt: null, finishedAt: null },
    };
    await register.put(erasure);
    this.#poke();
    return erasureAnswer(erasure);
  }

  /** @throws WeirError `unknown_erasure`. */
  async get(id: string): Promise<ErasureAnswer> {
    const erasure = await this.#deps.register.get(id);
    if (erasure !== undefined) return erasureAnswer(erasure);
    throw new WeirError("unknown_erasure", `there is no erasure ${JSON.stringify(id)}`);
  }

  /** The latest erasures, newest first. */
  async latest(limit: number): Promise<ErasuresAnswer> {
    const erasures = (await this.#deps.register.latest(limit)).map(erasureAnswer);
    const { clock, windows } = this.#deps;
    const waiting_for = this.#failure ?? windows.waitingFor() ?? this.#holdup.lasting(clock.monotonic());
    const rules_left = windows.rulesLeft();
    return { count: erasures.length, rules_left, ...(waiting_for === undefined ? {} : { waiting_for }), erasures };
  }

  /** Works in the background until `stop`. */
  start(): void {
    this.#running = this.#loop();
  }

  /** Resolves when the step that is being taken is done, at the latest after `graceMs`; the next start goes on. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort();
    this.#poke();
    const settled = new AbortController();
    await Promise.race([this.#running, this.#deps.clock.sleep(graceMs, settled.signal)]);
    settled.abort();
  }

  /** Takes the next step of what is under way, else begins with all that wait. Answers whether there is more to do. */
  async round(): Promise<boolean> {
    const unfinished = await this.#deps.register.unfinished();
    const { ours, waitingFor } = await this.#share.of(unfinished);
    if (waitingFor !== undefined && waitingFor !== this.#waitingFor)
      this.#deps.report(waitsForArchive(waitingFor), undefined);
    this.#waitingFor = waitingFor;
    this.#lookFor(unfinished);
    const inState = (state: ErasureState): Erasure[] =>
      unfinished.filter((erasure) => erasure.state === state && ours.has(erasure.id));
    for (const state of ["purging", "rebuilding", "removing"] as const) {
      const some = inState(state);
      if (some.length > 0) return this.#take(state, some);
    }
    // Those behind are not begun before: each would have the windows made anew from the start again.
    if (unfinished.some(({ state }) => state !== "waiting")) return true;
    const ready = inState("waiting").filter((erasure) => this.#isCounted(erasure));
    await this.#noteEach(ready);
    return unfinished.length > 0;
  }

  /** What the oldest that waits lacks: a partition may stand still until somebody decides. */
  #lookFor(unfinished: readonly Erasure[]): void {
    const now = this.#deps.clock.monotonic();
    const [first] = unfinished;
    this.#holdup.look(first?.state === "waiting" ? this.#lacking(first) : undefined, now);
    const news = this.#holdup.news(now);
    if (news !== undefined) this.#deps.report(`erasures have waited for two minutes for ${news}`, undefined);
  }

  #lacking({ below }: Erasure): string | undefined {
    const { windows, archive } = this.#deps;
    for (const [key, end] of Object.entries(below)) {
      const partition = Number(key);
      const [counted, archived] = [windows.written(partition), archive?.written(partition) ?? end];
      if (counted < end) return `partition ${partition}, which is counted up to ${counted} of ${end}`;
      if (archived < end) return `the archive, which has partition ${partition} up to ${archived} of ${end}`;
    }
    return undefined;
  }

  /** One that fails keeps no other from going on. @throws what the first has failed with. */
  async #noteEach(erasures: readonly Erasure[]): Promise<void> {
    const failures: unknown[] = [];
    for (const erasure of erasures) await this.#note(erasure).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  async #take(state: "purging" | "rebuilding" | "removing", erasures: readonly Erasure[]): Promise<boolean> {
    if (state === "removing") await this.#remove(erasures);
    else if (state === "rebuilding") await this.#rebuild(erasures);
    else await this.#purge(erasures);
    return true;
  }

  /**
   * Raw rows, the live rows of every rule, and the archive are complete below it: nothing writes there any more but fills.
   */
  #isCounted(erasure: Erasure): boolean {
    return this.#lacking(erasure) === undefined;
  }

  /** From here on its events are known by their positions, and the values are not needed any more. */
  async #note(erasure: Erasure): Promise<void> {
    const { store, clock, archive } = this.#deps;
    // First: later nobody knows the values any more.
    await archive?.erase(erasure);
    const events = await store.noteErasing(erasure.id, erasure);
    passFailpoint("mid-erasure");
    // Where nothing is stored there may be repeats in the log, and what has left the quarantine, still on the disk.
    const next =
      events === 0 ? ({ state: "purging", removedAt: clock.now() } as const) : { state: "removing" as const };
    await this.#put([erasure], { events, values: [], ...next });
  }

  /** What was rolled up of raw rows before they were gone is outdated as a whole: also what is being filled. */
  async #remove(erasures: readonly Erasure[]): Promise<void> {
    const { store, windows, clock } = this.#deps;
    await store.eraseNoted(erasures.map(({ id }) => id));
    passFailpoint("mid-erasure");
    await windows.rebuild();
    passFailpoint("mid-erasure");
    await this.#put(erasures, { state: "rebuilding", removedAt: clock.now() });
  }

  async #rebuild(erasures: readonly Erasure[]): Promise<void> {
    if ((await this.#deps.windows.goOnRebuilding()) === 0) await this.#put(erasures, { state: "purging" });
  }

  async #purge(erasures: readonly Erasure[]): Promise<void> {
    const { store, log, windows, clock } = this.#deps;
    // Either could bring rows of dropped windows back: a piece that had read its events before, and a write that nobody waits for.
    await windows.idle();
    await store.settle();
    await windows.dropOrphans();
    await store.purge(erasures.map(({ id }) => id));
    passFailpoint("mid-erasure");
    if (log.shared === undefined) await this.#commit(partitionsOf(erasures));
    await this.#put(erasures, { state: "done", finishedAt: clock.now() });
  }

  /**
   * In a quiet log the last batches are not committed, and so kept. Committed is all that is counted by now: less would say
   * of what came since the erasure that it is still to be counted. A log that others count is theirs to commit. Resolves when
   * nothing of it is on the disk any more, where the log's files are ours.
   */
  async #commit(partitions: readonly Src[]): Promise<void> {
    const { log, windows } = this.#deps;
    for (const partition of partitions) {
      const next = windows.written(partition);
      await log.commit(partition, next);
      await log.scrub?.(partition, next);
    }
  }

  async #put(erasures: readonly Erasure[], next: Partial<Erasure>): Promise<void> {
    for (const erasure of erasures) await this.#deps.register.put({ ...erasure, ...next });
  }

  async #loop(): Promise<void> {
    const { clock, sharing } = this.#deps;
    const [busyMs, idleMs] = sharing === undefined ? [pollMs, Infinity] : [sharedPollMs, sharedRestMs];
    while (!this.#stop.signal.aborted) {
      const wake = new AbortController();
      this.#poke = () => {
        // Nobody who asks for another erasure has a deletion tried sooner that fails of damaged files.
        if (!this.#isDamaged || this.#stop.signal.aborted) wake.abort();
      };
      let pauseMs = idleMs;
      try {
        if (await this.round()) pauseMs = busyMs;
        [this.#failure, this.#isDamaged] = [undefined, false];
      } catch (error) {
        this.#failed(error);
        pauseMs = this.#isDamaged ? restOfDamagedMs : restMs;
      }
      if (!this.#stop.signal.aborted) await sleepAtMost(clock, pauseMs, wake.signal);
    }
  }

  #failed(error: unknown): void {
    const failure = messageOf(error);
    if (!this.#stop.signal.aborted && failure !== this.#failure)
      this.#deps.report("erasing events failed and will be tried again", error);
    this.#failure = failure;
    this.#isDamaged = isDamaged(error);
  }
}

/** For ever means until poked. */
const sleepAtMost = (clock: Clock, ms: number, wake: AbortSignal): Promise<void> =>
  clock.sleep(Math.min(ms, 3_600_000), wake);

const partitionsOf = (erasures: readonly Erasure[]): readonly Src[] =>
  [...new Set(erasures.flatMap(({ below }) => Object.keys(below)))].map((partition) => src(Number(partition)));

const waitsForArchive = (process: string): string =>
  `erasures wait for the process that has the archive, with the data folder ${process}: start it, or see docs/operating.md to give its part to another`;

/** A digest stays of each value. */
function checkRoom(unfinished: readonly Erasure[], values: number): void {
  if (unfinished.length >= unfinishedMax) throw tooMany(`${unfinishedMax} erasures`);
  const others = unfinished.reduce((sum, { digests }) => sum + digests.length, 0);
  if (others + values > valuesMax) throw tooMany(`erasures of ${others} users and events, of at most ${valuesMax},`);
}

const tooMany = (what: string): WeirError =>
  new WeirError("overloaded", `${what} are not done yet; try again when some are`, {
    canRetry: true,
    retryAfterMs: 60_000,
  });
