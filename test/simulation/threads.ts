import type { LogThreads } from "../../src/log/embedded/embedded.ts";
import type { Ears, Thread } from "../../src/log/embedded/link.ts";
import type { FromReader, FromWriter, ToReader, ToWriter } from "../../src/log/embedded/messages.ts";
import { ReaderLoop } from "../../src/log/embedded/reader-loop.ts";
import { LogReader } from "../../src/log/embedded/reader.ts";
import { openWriterLoop } from "../../src/log/embedded/writer-loop.ts";
import { LogWriter } from "../../src/log/embedded/writer.ts";
import type { CommitFate } from "./disk-user.ts";
import type { Disk } from "./disk.ts";
import type { Life } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";

/** What befalls the threads of a log. */
export interface ThreadFates {
  /** How long a sync takes, ms. */
  syncMs(): number;
  commitFate(): CommitFate;
  /** A place where the process may die. */
  passed(place: string): void;
}

/** A message is under way so long, ms. */
const hopMs = 0.05;

/**
 * A thread within the simulated world. What it takes is worked off in one moment of the world, but its own time goes on
 * while it waits for the disk: what it says afterwards is heard later, and what it is told meanwhile waits.
 */
class SimulatedThread<To> implements Thread<To> {
  readonly #scheduler: Scheduler;
  readonly life: Life;
  take: (message: To) => void = () => {};
  readonly #queue: To[] = [];
  #ahead = 0;
  #busyUntil = 0;
  #planned = false;
  #ended = Promise.withResolvers<void>();

  constructor(scheduler: Scheduler, life: Life) {
    this.#scheduler = scheduler;
    this.life = life;
  }

  time(): number {
    return this.#scheduler.now + this.#ahead;
  }

  wait(ms: number): void {
    this.#ahead += ms;
  }

  next(): To | undefined {
    return this.#queue.shift();
  }

  /** Runs `work` as the thread's when it is free. */
  work(ms: number, work: () => void): () => void {
    return this.life.after(Math.max(ms, this.#busyUntil - this.#scheduler.now), () => {
      // It may have become busy with something that was planned for the same moment.
      if (this.#busyUntil > this.#scheduler.now) return void this.work(0, work);
      this.#ahead = 0;
      work();
      this.#busyUntil = this.time();
      this.#ahead = 0;
    });
  }

  post(message: To, transfer: ArrayBuffer[] = []): void {
    this.#queue.push(structuredClone(message, { transfer }));
    this.#plan();
  }

  /** What the thread says, to who listens. */
  tell<From>(ears: Ears<From>, message: From, transfer: ArrayBuffer[]): void {
    const heard = structuredClone(message, { transfer });
    this.life.after(this.#ahead + hopMs, () => ears.heard(heard));
  }

  close(): void {
    this.life.after(this.#ahead + hopMs, () => this.#ended.resolve());
  }

  async end(message: To): Promise<void> {
    this.post(message);
    await this.#ended.promise;
  }

  async terminate(): Promise<void> {
    this.take = () => {};
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.work(hopMs, () => {
      this.#planned = false;
      const first = this.next();
      if (first !== undefined) this.take(first);
      if (this.#queue.length > 0) this.#plan();
    });
  }
}

/** The two threads of the log of one process, with the product's own loops, on the simulated disk. */
export function simulatedThreads(scheduler: Scheduler, life: Life, disk: Disk, fates: ThreadFates): LogThreads {
  return {
    writer: (ears) => writerThread(new SimulatedThread(scheduler, life), ears, disk, fates),
    reader: (ears) => readerThread(new SimulatedThread(scheduler, life), ears, disk),
  };
}

function writerThread(
  thread: SimulatedThread<ToWriter>,
  ears: Ears<FromWriter>,
  disk: Disk,
  fates: ThreadFates,
): Thread<ToWriter> {
  const user = { ...fates, life: thread.life, time: () => thread.time(), busy: () => thread.wait(fates.syncMs()) };
  thread.work(hopMs, () => {
    const loop = openWriterLoop(() => new LogWriter(disk.openForWriting(user)), "the simulated disk", {
      next: () => thread.next(),
      tell: (message, transfer = []) => thread.tell(ears, message, transfer),
      later: (ms, run) => thread.work(ms, run),
      close: () => thread.close(),
    });
    if (loop !== undefined) thread.take = (message) => loop.take(message);
  });
  return thread;
}

function readerThread(thread: SimulatedThread<ToReader>, ears: Ears<FromReader>, disk: Disk): Thread<ToReader> {
  const loop = new ReaderLoop(() => new LogReader(disk.openForReading()), "the simulated disk", {
    tell: (message, transfer = []) => thread.tell(ears, message, transfer),
    close: () => thread.close(),
  });
  thread.take = (message) => loop.take(message);
  return thread;
}
