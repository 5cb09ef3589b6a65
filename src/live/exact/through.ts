import type { CheckedRule } from "../../rule/rule.ts";
import type { Closing } from "./closing.ts";
import { nextEnd } from "./finals.ts";

/**
 * Until when is counted goes back a little when batches overtake each other, and further, for a moment, with each record whose
 * time is older than the silence before it. Only where it stays back for so long, by so much, was a clock ahead; ms.
 */
const backMsMax = 5000;

/** Until when all is counted, as far as windows have been closed by it; ms since the epoch. */
export class Through {
  #at = 0;
  /** Since when what is counted lies far behind it, by the monotonic clock; undefined: it does not. */
  #backSince: number | undefined;
  #endsNext = 0;

  get at(): number {
    return this.#at;
  }

  /** Some windows that have ended are open again: they are looked for the next time. */
  closeAgain(): void {
    this.#endsNext = 0;
  }

  /** @returns whether the clock was ahead and has been set right: what was called final may not be. */
  goesBack(countedThrough: number, monotonic: number): boolean {
    this.#backSince = countedThrough < this.#at - backMsMax ? (this.#backSince ?? monotonic) : undefined;
    if (this.#backSince === undefined || monotonic - this.#backSince < backMsMax) return false;
    [this.#at, this.#backSince, this.#endsNext] = [countedThrough, undefined, 0];
    return true;
  }

  /** @returns which windows are to be closed, when any are. */
  goesOn(countedThrough: number, rule: CheckedRule): Omit<Closing, "atOnceMax"> | undefined {
    if (countedThrough <= this.#at) return undefined;
    const lateMs = rule.latenessSeconds * 1000;
    const through = countedThrough - lateMs;
    const after = this.#at === 0 ? through : this.#at - lateMs;
    this.#at = countedThrough;
    if (through < this.#endsNext) return undefined;
    this.#endsNext = nextEnd(rule.window, Math.max(0, through));
    return { rule, after, through, finalThrough: countedThrough };
  }
}
