import { endOfSpan, startOfSpan } from "../../rule/calendar.ts";
import type { RuleWindow } from "../../rule/rule.ts";

/** A window that has closed; ms since the epoch. */
export interface Ended {
  readonly start: number;
  readonly end: number;
}

interface Final extends Ended {
  /** The feed's newest number when it closed: who has a higher one was told before he got it. */
  readonly seq: number;
}

/** The windows that closed last, in their order. They are told by their place in it. */
export class Finals {
  readonly #max: number;
  #last: Final[] = [];
  #lost = 0;
  /** At this number the last forgotten one closed. */
  #lostSeq = -1;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many there have been. */
  get count(): number {
    return this.#lost + this.#last.length;
  }

  /** How many of the first are forgotten. */
  get lost(): number {
    return this.#lost;
  }

  add(ended: readonly Ended[], seq: number): void {
    for (const one of ended) this.#last.push({ ...one, seq });
    const over = Math.max(0, this.#last.length - this.#max);
    this.#lostSeq = this.#last[over - 1]?.seq ?? this.#lostSeq;
    this.#last = this.#last.slice(over);
    this.#lost += over;
  }

  /** Those behind the first `count`. */
  behind(count: number): readonly Ended[] {
    return this.#last.slice(Math.max(0, count - this.#lost));
  }

  /** How many somebody was surely told who has this number; undefined when it is not known. */
  toldBy(seq: number): number | undefined {
    if (seq <= this.#lostSeq) return undefined;
    const first = this.#last.findIndex((one) => one.seq >= seq);
    return first < 0 ? this.count : this.#lost + first;
  }
}

/** Where the first window ends behind a moment; ms since the epoch. */
export function nextEnd({ size, hop = size }: RuleWindow, after: number): number {
  return endOfSpan(hop, startOfSpan(hop, after));
}

/** The windows with `after < end ≤ through`, oldest first; of too many the newest. Ms since the epoch. */
export function endedBetween(
  { kind, size, hop = size }: RuleWindow,
  after: number,
  through: number,
  max: number,
): Ended[] {
  const ended: Ended[] = [];
  for (let end = startOfSpan(hop, through); end > Math.max(after, 0); end = startOfSpan(hop, end - 1)) {
    if (ended.length >= max) break;
    const start = kind === "hopping" && size.unit === "second" ? end - size.count * 1000 : startOfSpan(size, end - 1);
    if (start >= 0) ended.push({ start, end });
  }
  return ended.toReversed();
}
