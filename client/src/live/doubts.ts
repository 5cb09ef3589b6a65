import type { Surroundings } from "../surroundings.ts";
import type { Follower } from "./follower.ts";

interface Asking {
  /** Whether a rule is still to be asked for. */
  readonly isWanted: (follower: Follower) => boolean;
  readonly ask: (follower: Follower) => void;
  /** A refusal comes at once: what has had no answer for so long is none, and waits for its rows. */
  readonly answerMs: number;
}

/**
 * Rules of which a server has refused some without saying which. Each is asked for when the one before has been answered, so
 * that what is refused then is that one.
 */
export class Doubts {
  readonly #after: Surroundings["after"];
  readonly #asking: Asking;
  #waiting: Follower[] = [];
  #asked: Follower | undefined;
  #cancelTimer: () => void = () => {};

  constructor(after: Surroundings["after"], asking: Asking) {
    this.#after = after;
    this.#asking = asking;
  }

  /** What a refusal means now. */
  get asked(): Follower | undefined {
    return this.#asked;
  }

  get isEmpty(): boolean {
    return this.#asked === undefined && !this.#waiting.some(this.#asking.isWanted);
  }

  has(follower: Follower): boolean {
    return this.#asked === follower || this.#waiting.includes(follower);
  }

  add(followers: readonly Follower[]): void {
    this.#waiting.push(...followers.filter((follower) => !this.has(follower)));
  }

  answered(follower: Follower): void {
    if (this.#asked === follower) this.next();
  }

  /** Asks for the next one, over a line that is open. */
  next(): void {
    this.#cancelTimer();
    this.#waiting = this.#waiting.filter(this.#asking.isWanted);
    this.#asked = this.#waiting.shift();
    if (this.#asked === undefined) return;
    this.#cancelTimer = this.#after(this.#asking.answerMs, () => this.next());
    this.#asking.ask(this.#asked);
  }

  /** What was asked for last comes last on the next line: it may be why this one has ended. */
  lineEnded(): void {
    this.#cancelTimer();
    if (this.#asked !== undefined) this.#waiting.push(this.#asked);
    this.#asked = undefined;
  }
}
