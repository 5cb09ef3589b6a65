import { unpack } from "../event/packed.ts";
import { after, offset } from "../event/position.ts";
import type { Offset, Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { messageOf, WeirError } from "../lib/errors.ts";
import { Turns } from "../lib/turns.ts";
import type { Log, LogRecord } from "../log/log.ts";
import type { Archive, ArchiveErasure, ArchivedEvent } from "./archive.ts";

export interface ArchiverDeps {
  /** A reader of its own: what it commits is for people who look how far it is, and holds nobody back. */
  readonly log: Pick<Log, "sources" | "read" | "commit">;
  readonly archive: Archive;
  /** Rejects while another process may put, too: what one has erased the other could put back. */
  readonly claim?: () => Promise<void>;
  readonly clock: Clock;
  readonly archived: (events: number) => void;
  readonly report: (level: "info" | "warn", message: string, error?: unknown) => void;
}

/** What one partition has in memory at a time, besides what its reader keeps. */
const readBounds = { bytesMax: 2 << 20, eventsMax: 2_000, waitMs: 1_000 };
const putEventsMax = 1_000;
/** Partitions that put at a time; the others wait with what they have read. */
const putsAtOnce = 2;
const pauseMinMs = 250;
const pauseMaxMs = 10_000;
/** Longer than a put that is given up by its sender is on its way, as a rule. */
const unsureMs = 60_000;

/** How far one partition is. */
interface Line {
  readonly src: Src;
  /** Everything below is in the archive. Undefined until it is known where to begin. */
  next: Offset | undefined;
  /** When the log had the oldest event that may be missing in the archive, ms since the epoch; undefined: all is there. */
  oldest: number | undefined;
  trouble: string | undefined;
  /** Puts that had no answer: they may come late, and bring back what was erased since. */
  unsure: readonly Unsure[];
}

/** A put from there on, and up to when, by the monotonic clock, it may come. */
interface Unsure {
  readonly from: Offset;
  readonly untilMs: number;
}

/**
 * Copies the log into the archive, each partition by itself, from where the archive says. That follows what is put: what is
 * put again after a crash is there already. It waits for the archive as long as that is away; nobody waits for it.
 */
export class Archiver {
  readonly #deps: ArchiverDeps;
  readonly #lines: readonly Line[];
  readonly #turns = new Turns(putsAtOnce);
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(deps: ArchiverDeps) {
    this.#deps = deps;
    const unknown = { next: undefined, oldest: undefined, trouble: undefined, unsure: [] };
    this.#lines = deps.log.sources().map((src) => ({ src, ...unknown }));
  }

  /** Works in the background until `stop`. */
  start(): void {
    this.#running = Promise.all(this.#lines.map((line) => this.#follow(line)));
  }

  /** Resolves when what is being put is there, at the latest after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort();
    const settled = new AbortController();
    await Promise.race([this.#running, this.#deps.clock.sleep(graceMs, settled.signal)]);
    settled.abort();
  }

  /** Everything of the partition below it is in the archive, and nothing of it is on its way there. */
  written(partition: number): Offset {
    const line = this.#lines.find(({ src }) => src === partition);
    if (line === undefined) return offset(0);
    return offset(Math.min(line.next ?? 0, ...this.#unsure(line).map(({ from }) => from)));
  }

  /** For events below what is `written`: an archive that has less must not take them for put. */
  async erase(erasure: ArchiveErasure): Promise<void> {
    for (const line of this.#lines) {
      const below = erasure.below[line.src];
      if (below !== undefined) await this.#note(line, offset(below), offset(below));
    }
    await this.#deps.archive.erase(erasure);
  }

  /** How long the oldest event that is not in the archive may have waited; what the log was not asked for counts as well. */
  lagMs(): number {
    const now = this.#deps.clock.now();
    return Math.max(0, ...this.#lines.map(({ oldest = now }) => now - oldest));
  }

  /** Why it can't go on now, for people. */
  trouble(): string | undefined {
    return this.#lines.find(({ trouble }) => trouble !== undefined)?.trouble;
  }

  #unsure({ unsure }: Line): readonly Unsure[] {
    const now = this.#deps.clock.monotonic();
    return unsure.filter(({ untilMs }) => now < untilMs);
  }

  async #follow(line: Line): Promise<void> {
    for (let failures = 0; !this.#isStopped();) {
      try {
        line.next ??= await this.#beginning(line.src);
        await this.#step(line, line.next);
        this.#wellAgain(line);
        failures = 0;
      } catch (error) {
        if (this.#isStopped()) return;
        this.#failed(line, error);
        const pause = Math.min(pauseMinMs * 2 ** Math.min(failures++, 10), pauseMaxMs);
        await this.#deps.clock.sleep(pause, this.#stop.signal);
      }
    }
  }

  /**
   * What the reader has committed does not count: Kafka forgets it, and of an archive that was brought back from a copy it says
   * too much. What was erased must not come back, whatever is noted.
   */
  async #beginning(src: Src): Promise<Offset> {
    const { archive, claim } = this.#deps;
    await claim?.();
    const next = offset(Math.max(await archive.floor(src), await archive.noted(src)));
    await archive.note(src, offset(0), next);
    return next;
  }

  async #step(line: Line, from: Offset): Promise<void> {
    const { log } = this.#deps;
    const { src } = line;
    const records = await log.read({ src, off: from }, { ...readBounds, signal: this.#stop.signal });
    const last = records.at(-1);
    if (last === undefined) return void (line.oldest = undefined);
    // It stands until nothing more comes: only then nothing is waiting.
    line.oldest = records[0]!.appendedAt;
    await this.#put(records, from).catch((error: unknown) => {
      // Of those from one place the last counts, so that an archive that is away makes no list of them.
      const others = this.#unsure(line).filter((one) => one.from !== from);
      line.unsure = [...others, { from, untilMs: this.#deps.clock.monotonic() + unsureMs }];
      throw error;
    });
    const next = after(last.to);
    await this.#note(line, from, next);
    line.next = next;
    await log.commit(src, next);
  }

  /** @throws when the archive lacks what was put: it is begun anew then from what it has. */
  async #note(line: Line, from: Offset, next: Offset): Promise<void> {
    if (await this.#deps.archive.note(line.src, from, next)) return;
    line.next = undefined;
    throw new WeirError(
      "registry_unavailable",
      `the archive lacks what was put into it of partition ${line.src} below ${from}, as one does that was exchanged, or brought back from a copy; what it lacks is put again`,
      { canRetry: true },
    );
  }

  async #put(records: readonly LogRecord[], from: Offset): Promise<void> {
    const endTurn = await this.#turns.take();
    try {
      for (const events of chunksOf(records, from)) {
        if (this.#isStopped()) throw new Error("stopping");
        await this.#deps.archive.put(events);
        this.#deps.archived(events.length);
      }
    } finally {
      endTurn();
    }
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #failed(line: Line, error: unknown): void {
    const message = messageOf(error);
    const isNews = this.#lines.every(({ trouble }) => trouble !== message);
    line.trouble = message;
    line.oldest ??= this.#deps.clock.now();
    if (isNews) this.#deps.report("warn", `events can't be archived now: ${message}; trying again`, error);
  }

  #wellAgain(line: Line): void {
    if (line.trouble === undefined) return;
    line.trouble = undefined;
    if (this.trouble() === undefined) this.#deps.report("info", "events are archived again");
  }
}

/** The events from `from` on, so many at a time that they are not all taken apart at once. */
function* chunksOf(records: readonly LogRecord[], from: Offset): Generator<readonly ArchivedEvent[]> {
  let chunk: ArchivedEvent[] = [];
  for (const record of records) {
    for (const event of eventsOf(record)) {
      if (event.off < from) continue;
      chunk.push(event);
      if (chunk.length < putEventsMax) continue;
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

function eventsOf({ src, from, appendedAt, events }: LogRecord): readonly ArchivedEvent[] {
  return unpack(events).map((event, index) => ({
    ...event,
    src,
    off: offset(from + index),
    receivedAt: appendedAt,
  }));
}
