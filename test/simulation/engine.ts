import { WeirError } from "../../src/lib/errors.ts";
import type { Random } from "../support/random.ts";
import type { Life } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** How often something befalls a statement, 0 … 1. */
export interface EngineOdds {
  readonly refused: number;
  readonly answerLost: number;
  /** The statement is broken off between two of its parts. */
  readonly cut: number;
  /** The client gives up, and the engine goes on. */
  readonly hangs: number;
  readonly slow: number;
  readonly readFails: number;
}

export interface EngineParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly odds: () => EngineOdds;
  readonly trace: Trace;
}

/** What the client waits for an answer, ms. */
const patienceMs = 5_000;

/** A write that the engine is at. */
interface Running {
  readonly name: string;
  readonly parts: (() => void)[];
}

/** The engine as one process sees it: does the parts of a write one after the other, and loses answers. It ends with the process. */
export class Engine {
  readonly #parts: EngineParts;
  readonly #life: Life;
  readonly #passed: (place: string) => void;
  /** Writes whose client has given up. */
  readonly #inDoubt = new Set<Running>();
  /** Nothing is answered before. */
  awayUntil = 0;

  constructor(parts: EngineParts, life: Life, passed: (place: string) => void) {
    this.#parts = parts;
    this.#life = life;
    this.#passed = passed;
  }

  /** What `find` finds at the moment at which the engine comes to it. */
  async read<T>(find: () => T): Promise<T> {
    await this.#hop();
    if (this.#isAway || this.#parts.random.chance(this.#parts.odds().readFails)) throw away("a question", false);
    const found = find();
    await this.#hop();
    return found;
  }

  async write(name: string, parts: (() => void)[]): Promise<void> {
    const { random } = this.#parts;
    const odds = this.#parts.odds();
    await this.#hop();
    if (this.#isAway || random.chance(odds.refused)) throw away(name, random.chance(0.5));
    const running = { name, parts: [...parts] };
    if (random.chance(odds.hangs)) return this.#hang(running);
    const count = random.chance(odds.cut) ? random.int(parts.length + 1) : parts.length;
    for (let done = 0; done < count; done++) {
      await this.#hop();
      if (this.#isAway) throw away(name, true);
      this.#next(running);
    }
    await this.#hop();
    if (count < parts.length || random.chance(odds.answerLost)) throw this.#broken(name);
  }

  /** A write that takes more memory than there is, for which the client can't know how it ended; it may hear why. */
  async exceed(name: string, lacks?: "memory"): Promise<never> {
    await this.#hop();
    throw away(name, true, lacks);
  }

  /** Ends what is still under way, wherever it is. */
  async settle(): Promise<void> {
    for (const running of [...this.#inDoubt]) {
      await this.#hop();
      if (this.#isAway) throw away("settling", false);
      while (running.parts.length > 0 && this.#parts.random.chance(0.5)) this.#next(running);
      running.parts.length = 0;
      this.#inDoubt.delete(running);
    }
  }

  /** Where one answer is lost, the engine is often gone for a while. */
  #broken(name: string): WeirError {
    const { random, scheduler } = this.#parts;
    if (random.chance(0.3)) this.awayUntil = Math.max(this.awayUntil, scheduler.now + random.int(2_000));
    return away(name, true);
  }

  async #hang(running: Running): Promise<never> {
    const { random, trace } = this.#parts;
    trace.note(`${running.name} hangs`);
    this.#inDoubt.add(running);
    this.#goOn(running, random.int(2 * patienceMs));
    await this.#life.sleep(random.chance(0.5) ? random.int(100) : patienceMs);
    throw away(running.name, true);
  }

  #goOn(running: Running, ms: number): void {
    this.#life.after(ms, () => {
      if (running.parts.length === 0) return;
      this.#next(running);
      this.#goOn(running, this.#parts.random.int(1000));
    });
  }

  /** The next part becomes visible. */
  #next(running: Running): void {
    const part = running.parts.shift();
    if (part === undefined || !this.#life.alive) return;
    this.#passed(`before ${running.name}`);
    if (!this.#life.alive) return;
    part();
    this.#parts.trace.note(`${running.name}, ${running.parts.length} parts left`);
    this.#passed(`after ${running.name}`);
  }

  get #isAway(): boolean {
    return this.#parts.scheduler.now < this.awayUntil;
  }

  #hop(): Promise<void> {
    const { random } = this.#parts;
    const odds = this.#parts.odds();
    return this.#life.sleep(random.chance(odds.slow) ? random.int(2000) : 0.2 + random.next() * 5);
  }
}

const away = (name: string, outcomeUnknown: boolean, lacks?: "memory"): WeirError =>
  new WeirError("store_unavailable", `${name} has no answer`, { canRetry: true, outcomeUnknown, lacks });

/** For a world in which nothing more goes wrong. */
export const calm: EngineOdds = { refused: 0, answerLost: 0, cut: 0, hangs: 0, slow: 0, readFails: 0 };
