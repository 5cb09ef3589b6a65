import type { PackedEvents } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import type { OffsetRange } from "../../event/position.ts";
import type { WeirError } from "../../lib/errors.ts";
import type { AppendedJob, AppendJob } from "./messages.ts";

/** A group ends before it would grow beyond this; a single append may be larger. */
const groupBytesMax = 8 << 20;
/** Two: while one is being made durable, the next already waits at the writer's port. */
const groupsInFlightMax = 2;

interface Waiting {
  readonly events: PackedEvents;
  readonly resolve: (ranges: readonly OffsetRange[]) => void;
  readonly reject: (error: WeirError) => void;
}

/**
 * Group commit: appends that come while the writer is busy are packed together and become one row. Keeps who waits
 * for which group.
 */
export class Groups {
  readonly #send: (job: AppendJob) => void;
  readonly #newId: () => number;
  readonly #now: () => number;
  readonly #inFlight = new Map<number, readonly Waiting[]>();
  #queue: Waiting[] = [];
  #bytes = 0;
  #idle: (() => void)[] = [];

  constructor(parts: { send: (job: AppendJob) => void; newId: () => number; now: () => number }) {
    this.#send = parts.send;
    this.#newId = parts.newId;
    this.#now = parts.now;
  }

  /** Bytes of all appends that are not answered yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when the events are durable. */
  add(events: PackedEvents): Promise<readonly OffsetRange[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ events, resolve, reject });
      this.#bytes += events.bytes.byteLength;
      this.#dispatch();
    });
  }

  /** The writer has made the group durable. */
  done(job: AppendedJob): void {
    let first = job.first;
    for (const waiting of this.#take(job.id)) {
      waiting.resolve([{ src: src(0), from: offset(first), to: offset(first + waiting.events.count - 1) }]);
      first += waiting.events.count;
    }
    this.#dispatch();
  }

  /** The writer has refused the group, or lost it. */
  failed(id: number, error: WeirError): void {
    for (const waiting of this.#take(id)) waiting.reject(error);
    this.#dispatch();
  }

  /** Nothing more will come of any append: those sent get `sent`, those still here `unsent`. */
  abandon(sent: WeirError, unsent: WeirError): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const waiting of queue) this.#settle(waiting).reject(unsent);
    for (const id of [...this.#inFlight.keys()]) this.failed(id, sent);
  }

  /** Resolves when every append is answered. */
  async drained(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && this.#inFlight.size < groupsInFlightMax) {
      const group = this.#nextGroup();
      const id = this.#newId();
      this.#inFlight.set(id, group);
      this.#send(packGroup(id, group, this.#now()));
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #nextGroup(): Waiting[] {
    let bytes = 0;
    let length = 0;
    for (const { events } of this.#queue) {
      bytes += events.bytes.byteLength;
      if (length > 0 && bytes > groupBytesMax) break;
      length += 1;
    }
    return this.#queue.splice(0, length);
  }

  #take(id: number): readonly Waiting[] {
    const group = this.#inFlight.get(id) ?? [];
    this.#inFlight.delete(id);
    for (const waiting of group) this.#settle(waiting);
    return group;
  }

  #settle(waiting: Waiting): Waiting {
    this.#bytes -= waiting.events.bytes.byteLength;
    return waiting;
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && this.#inFlight.size === 0;
  }
}

/** One copy, into memory that can be handed to the writer's thread: the caller keeps its own. */
function packGroup(id: number, group: readonly Waiting[], appendedAt: number): AppendJob {
  const length = group.reduce((sum, { events }) => sum + events.bytes.byteLength, 0);
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  let count = 0;
  for (const { events } of group) {
    bytes.set(events.bytes, at);
    at += events.bytes.byteLength;
    count += events.count;
  }
  return { id, count, appendedAt, length, body: bytes.buffer };
}
