import type { NewEvent } from "../../client/src/weir.ts";
import type { Random } from "./random.ts";
import type { Happening, Shape } from "./shapes.ts";

export interface Habits {
  readonly users: number;
  readonly repeatPercent: number;
  readonly latePercent: number;
  readonly lateByMs: number;
  /** Begins the ids of all events, and is in their payload. */
  readonly run: string;
}

/** An event to send. */
export interface Generated {
  readonly event: NewEvent;
  readonly timestamp: number;
  readonly happening: Happening;
  /** It was sent before. */
  readonly isRepeat: boolean;
  readonly isLate: boolean;
}

/** So many of the last events may be sent again. */
const rememberedMax = 1000;

/** Makes events, one after the other; the same ones for the same randomness. */
export class Generator {
  readonly #shape: Shape;
  readonly #habits: Habits;
  readonly #random: Random;
  readonly #remembered: Generated[] = [];
  #made = 0;

  constructor(shape: Shape, habits: Habits, random: Random) {
    this.#shape = shape;
    this.#habits = habits;
    this.#random = random;
  }

  next(now: number): Generated {
    const { repeatPercent } = this.#habits;
    if (this.#remembered.length > 0 && this.#random.next() * 100 < repeatPercent)
      return { ...this.#remembered[this.#random.int(this.#remembered.length)]!, isRepeat: true };
    const generated = this.#make(now);
    // Each takes the place of one before it.
    if (repeatPercent > 0) this.#remembered[this.#made % rememberedMax] = generated;
    this.#made += 1;
    return generated;
  }

  #make(now: number): Generated {
    const { users, latePercent, lateByMs, run } = this.#habits;
    const happening = this.#shape.happen(this.#random, users);
    const isLate = this.#random.next() * 100 < latePercent;
    const timestamp = isLate ? now - 1 - this.#random.int(lateByMs) : now;
    const { user_id, event_type, payload } = happening;
    const event = { event_id: `${run}-${this.#made}`, user_id, event_type, timestamp, payload: { ...payload, run } };
    return { event, timestamp, happening, isRepeat: false, isLate };
  }
}
