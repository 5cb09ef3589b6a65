import { checkEventText } from "../event/check.ts";
import type { CheckedEvent } from "../event/check.ts";
import { eventLimits } from "../event/limits.ts";
import type { EventRules } from "../event/limits.ts";
import { PackedWriter } from "../event/packed.ts";
import type { PackedEvents } from "../event/packed.ts";
import { EventScanner } from "../event/scanner.ts";
import { WeirError } from "../lib/errors.ts";
import type { Problem } from "../lib/errors.ts";

/** An event of a request that breaks the contract. Paths of its problems are within the event. */
export interface RefusedEvent {
  readonly index: number;
  /** From 1; for NDJSON. */
  readonly line?: number;
  readonly problems: readonly Problem[];
}

/** What a request held. */
export interface ReadEvents {
  readonly accepted: PackedEvents;
  readonly refusedCount: number;
  /** The first 100 of them. */
  readonly refused: readonly RefusedEvent[];
}

const refusedMax = 100;
/** The JSON text of one event, with its white space and escapes, may be several times as long as its canonical form. */
const textBytesMax = 4 * eventLimits.eventBytesMax;

/** Turns one checked text into an event: JSON.parse and the check of one form of events. */
export type CheckText = (json: string, rules: EventRules) => CheckedEvent;

/** What is kept for the next request; a larger one has memory of its own. */
const keptBytesMax = 4 << 20;

/**
 * Memory for reading one request after the other: what is packed into it is valid until the next one is read. So a
 * request leaves nothing behind that the garbage collector would have to clear away.
 */
export class ReadMemory {
  readonly writer = new PackedWriter();
  readonly scanner = new EventScanner(this.writer);

  begin(body: Buffer, rules: EventRules): void {
    this.writer.restart(body.length + 1024, keptBytesMax);
    this.scanner.use(body, rules);
  }
}

/** Gathers the events of one request: packs the good ones, notes the bad ones. One request, one collector. */
export class Collector {
  readonly #body: Buffer;
  readonly #rules: EventRules;
  readonly #eventsMax: number;
  readonly #writer: PackedWriter;
  readonly #scanner: EventScanner;
  readonly #refused: RefusedEvent[] = [];
  #count = 0;
  #refusedCount = 0;

  /** `body` must be valid UTF-8. */
  constructor(body: Buffer, rules: EventRules, eventsMax: number, memory: ReadMemory) {
    this.#body = body;
    this.#rules = rules;
    this.#eventsMax = eventsMax;
    memory.begin(body, rules);
    this.#writer = memory.writer;
    this.#scanner = memory.scanner;
  }

  /**
   * Takes the event at `start` in the fast way, if it ends before `limit`.
   * @returns the place behind it, or -1 when it is for `thorough`.
   */
  fast(start: number, limit: number): number {
    const end = this.#scanner.scan(start, limit);
    if (end >= 0) this.#next();
    return end;
  }

  /** Takes the event whose text is `[start, end)` in the thorough way. Throws SyntaxError when it is not JSON. */
  thorough(start: number, end: number, line?: number, check: CheckText = checkEventText): void {
    const bytes = end - start;
    if (bytes > textBytesMax)
      return this.refuse(
        { path: "", message: `is ${bytes} bytes large; an event may have ${eventLimits.eventBytesMax}` },
        line,
      );
    const checked = check(this.#body.toString("utf8", start, end), this.#rules);
    if (!checked.ok) return this.#refuseAll(checked.problems, line);
    this.#next();
    this.#writer.add(checked.event);
  }

  refuse(problem: Problem, line?: number): void {
    this.#refuseAll([problem], line);
  }

  finish(): ReadEvents {
    if (this.#count === 0) throw new WeirError("empty_batch", "the request has no events");
    return { accepted: this.#writer.finish(), refusedCount: this.#refusedCount, refused: this.#refused };
  }

  #refuseAll(problems: readonly Problem[], line: number | undefined): void {
    const index = this.#next();
    this.#refusedCount += 1;
    if (this.#refused.length < refusedMax)
      this.#refused.push(line === undefined ? { index, problems } : { index, line, problems });
  }

  #next(): number {
    if (this.#count === this.#eventsMax)
      throw new WeirError("too_many_events", `the request has more than ${this.#eventsMax} events`);
    return this.#count++;
  }
}
