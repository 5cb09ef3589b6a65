import type { PackedEvents } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import type { OffsetRange } from "../../event/position.ts";
import type { WeirError } from "../../lib/errors.ts";
import { OpenGroup } from "./open-group.ts";
import type { Group, Waiting } from "./open-group.ts";
import type { AppendedJob, AppendJob } from "./messages.ts";

/** A group ends before it would grow beyond this; a single append may be larger. */
const groupBytesMax = 8 << 20;
/** Two: while one is being made durable, the next already waits at the writer's port. */
const groupsInFlightMax = 2;
/** A group of so much is sent at once: waiting for more would cost more time than it saves the writer. */
const worthSendingBytes = 64 << 10;

export interface GroupsParts {
  readonly send: (job: AppendJob) => void;
  readonly newId: () => number;
  readonly now: () => number;
  /** Runs it when what has arrived together has been worked off: such appends share a group, and a wake-up of the writer. */
  readonly soon: (run: () => void) => void;
}

/** A group that is being made durable. */
interface InFlight {
  readonly id: number;
  readonly appendedAt: number;
  readonly waiting: readonly Waiting[];
}

/**
 * Group commit: appends that come together, or while the writer is busy, are packed together and become one row.
 * Keeps who waits for which group.
 */
export class Groups {
  readonly #parts: GroupsParts;
  readonly #open = new OpenGroup();
  #inFlight: readonly InFlight[] = [];
  /** Those that are full, while the writer has enough to do. */
  #full: Group[] = [];
  #bytes = 0;
  #isPlanned = false;
  #idle: (() => void)[] = [];

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  /** Bytes of all appends that are not answered yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the groups that are being made durable, the time that the oldest will have; of none, Infinity. */
  get oldestAt(): number {
    return Math.min(...this.#inFlight.map(({ appendedAt }) => appendedAt));
  }

  /** Copies the events; resolves when they are durable. */
  add(events: PackedEvents): Promise<readonly OffsetRange[]> {
    return new Promise((resolve, reject) => {
      const bytes = events.bytes.byteLength;
      if (this.#open.length > 0 && this.#open.length + bytes > groupBytesMax) this.#full.push(this.#open.take());
      this.#open.add(events.bytes, { count: events.count, bytes, resolve, reject });
      this.#bytes += bytes;
      if (this.#open.length >= worthSendingBytes) this.#dispatch();
      else this.#plan();
    });
  }

  /** The writer has made the group durable. */
  done(job: AppendedJob): void {
    let first = job.first;
    for (const waiting of this.#take(job.id)) {
      waiting.resolve([{ src: src(0), from: offset(first), to: offset(first + waiting.count - 1) }]);
      first += waiting.count;
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
    const kept = [...this.#full.splice(0), this.#open.take()];
    for (const { waiting } of kept) for (const one of waiting) this.#settle(one).reject(unsent);
    for (const { id } of this.#inFlight) this.failed(id, sent);
  }

  /** Resolves when every append is answered. */
  async drained(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** While the writer is busy nothing needs planning: its answer dispatches what has gathered. */
  #plan(): void {
    if (this.#isPlanned || this.#inFlight.length === groupsInFlightMax) return;
    this.#isPlanned = true;
    this.#parts.soon(() => {
      this.#isPlanned = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#inFlight.length < groupsInFlightMax) {
      const group = this.#full.shift() ?? this.#open.take();
      if (group.waiting.length === 0) break;
      this.#send(group);
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #send({ count, body, waiting }: Group): void {
    const [id, appendedAt] = [this.#parts.newId(), this.#parts.now()];
    this.#inFlight = [...this.#inFlight, { id, appendedAt, waiting }];
    this.#parts.send({ id, count, appendedAt, length: body.byteLength, body });
  }

  #take(id: number): readonly Waiting[] {
    const { waiting = [] } = this.#inFlight.find((group) => group.id === id) ?? {};
    this.#inFlight = this.#inFlight.filter((group) => group.id !== id);
    for (const one of waiting) this.#settle(one);
    return waiting;
  }

  #settle(waiting: Waiting): Waiting {
    this.#bytes -= waiting.bytes;
    return waiting;
  }

  #isIdle(): boolean {
    return this.#full.length === 0 && this.#open.length === 0 && this.#inFlight.length === 0;
  }
}
