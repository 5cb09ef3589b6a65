import type { ResetReason } from "../../protocol/live-exact.ts";
import { voided } from "./machine.ts";
import type { ExactSubscriber } from "./subscriber.ts";

/** Who watches a rule exactly, which of them are to be looked at when, and what is doubtful of what they were shown. */
export class Audience {
  readonly subscribers = new Set<ExactSubscriber>();
  /** Those of them that have nothing yet, or don't read: they are looked at again and again, so that not all have to be. */
  readonly unsettled = new Set<ExactSubscriber>();
  /** Nobody else needs to be looked at before this moment, ms of the monotonic clock. */
  lookAgainAt = 0;
  /** Since when nobody watches, ms of the monotonic clock. */
  leftAt: number | null = null;
  /** Somebody was sent a snapshot as not complete only because it was not known by which rules others count. */
  #isDoubted = false;

  get isDoubted(): boolean {
    return this.#isDoubted;
  }

  unsettle(one: ExactSubscriber): void {
    // It may just have gone.
    if (this.subscribers.has(one)) this.unsettled.add(one);
  }

  /** Nothing more is to be done for it before `lookAgainAt`. */
  settle(one: ExactSubscriber, lookAgainAt: number): void {
    this.unsettled.delete(one);
    this.lookAgainAt = Math.min(this.lookAgainAt, lookAgainAt);
  }

  /** It is sent a snapshot. `isDoubtful`: whether that is complete is only not known; once it is, it gets another. */
  shows(one: ExactSubscriber, isDoubtful: boolean): void {
    one.isDoubtful = isDoubtful;
    this.#isDoubted ||= isDoubtful;
  }

  /** It goes on where it was: which snapshot it has is not known. */
  goesOn(one: ExactSubscriber): void {
    one.isDoubtful = this.#isDoubted;
    this.lookAgainAt = 0;
  }

  /** It watches no longer. @returns whether it did. */
  leave(one: ExactSubscriber): boolean {
    this.unsettled.delete(one);
    return this.subscribers.delete(one);
  }

  /** What was doubtful is known: who has it is shown it again. */
  showAgain(): void {
    for (const one of this.subscribers) if (one.isDoubtful) one.standing = voided(one.standing, "rebuilt");
    this.#isDoubted = false;
    this.lookAgainAt = 0;
  }

  /** Other windows answer: what anybody has is void. */
  startAnew(reason: ResetReason): void {
    this.#void(this.subscribers, reason);
    this.#isDoubted = false;
  }

  /** Windows below are let go. @returns those who have any of them: what they have is void. */
  loses(floor: number): ExactSubscriber[] {
    const losers = [...this.subscribers].filter(({ from }) => from !== null && from < floor);
    this.#void(losers, "too_large");
    return losers;
  }

  #void(subscribers: Iterable<ExactSubscriber>, reason: ResetReason): void {
    for (const one of subscribers) {
      one.standing = voided(one.standing, reason);
      one.from = null;
    }
    this.lookAgainAt = 0;
  }
}
