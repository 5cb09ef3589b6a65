/**
 * new      not seen before; remembered from now on
 * repeat   seen before
 * unknown  older than what is remembered: the store has to be asked
 */
export type Sighting = "new" | "repeat" | "unknown";

const slotsAtFirst = 64;
const keptWhenFull = 0.7;
/** Of a table's slots. */
const fullest = 0.8;
const stride = 4;
const secondAt = 3;
const sampledSlots = 1024;
/** Of February 2106. Events of other producers may be later: they count as of this one, and so are forgotten last. */
const secondMost = 2 ** 32 - 2;

/**
 * An open-addressing hash table (linear probing) of ids with the second of their event, bounded by forgetting the
 * earliest. A slot is four words, so that a look-up touches one cache line: 96 bits of the id's hash (the shard was
 * chosen by the other 32; at 10^7 ids the chance that an event is taken for another is below 10^-21), then the second
 * of the event + 1, where 0 marks a free slot.
 */
export class IdShard {
  #idsMax = Infinity;
  #slots = new Uint32Array(slotsAtFirst * stride);
  #mask = slotsAtFirst - 1;
  #size = 0;
  #horizon = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** From the next time on that it makes room. */
  holdAtMost(ids: number): void {
    this.#idsMax = Math.max(1, Math.floor(ids));
  }

  raiseHorizon(second: number): void {
    this.#horizon = Math.max(this.#horizon, second);
  }

  take(hash: Uint32Array, of: number): Sighting {
    const second = Math.min(of, secondMost);
    const at = this.#find(hash);
    if (this.#slots[at + secondAt] !== 0) return "repeat";
    if (second < this.#horizon) return "unknown";
    this.#put(at, hash[0]!, hash[1]!, hash[2]!, second + 1);
    if (this.#size > this.#mask * fullest) this.#rebuild((this.#mask + 1) * 2, 0);
    return "new";
  }

  /** Forgets one id, if it is there. */
  forget(hash: Uint32Array): void {
    const slots = this.#slots;
    let hole = this.#find(hash);
    if (slots[hole + secondAt] === 0) return;
    const last = slots.length - 1;
    for (let at = (hole + stride) & last; slots[at + secondAt] !== 0; at = (at + stride) & last) {
      // What would not be found any more behind the hole moves into it, and leaves one where it was.
      const home = (slots[at]! & this.#mask) * stride;
      if (((at - home) & last) < ((at - hole) & last)) continue;
      slots.copyWithin(hole, at, at + stride);
      hole = at;
    }
    slots.fill(0, hole, hole + stride);
    this.#size -= 1;
  }

  /** It holds more than it may in the long run. */
  get isFull(): boolean {
    return this.#size >= this.#idsMax;
  }

  /**
   * Forgets the earliest, whole seconds of them, so that the horizon says exactly what is remembered. Never in the midst
   * of a batch: see `RecentIds.makeRoom`.
   */
  makeRoom(): void {
    const lastForgotten = this.#quantileOfSeconds(1 - (keptWhenFull * this.#idsMax) / this.#size);
    this.raiseHorizon(lastForgotten);
    this.#rebuild(Math.min(this.#mask + 1, this.#slotsFor(lastForgotten)), lastForgotten);
  }

  /** Enough for what is kept, and for the bound, which may have become less. */
  #slotsFor(lastForgotten: number): number {
    let kept = 0;
    for (let at = secondAt; at < this.#slots.length; at += stride) if (this.#slots[at]! > lastForgotten) kept += 1;
    let slots = slotsAtFirst;
    while (Math.max(kept, this.#idsMax) > (slots - 1) * fullest) slots *= 2;
    return slots;
  }

  /** Where the id lies, or the free slot where it belongs. */
  #find(hash: Uint32Array): number {
    const slots = this.#slots;
    const a = hash[0]!;
    const b = hash[1]!;
    const c = hash[2]!;
    const last = slots.length - 1;
    let at = (a & this.#mask) * stride;
    while (slots[at + secondAt] !== 0 && (slots[at] !== a || slots[at + 1] !== b || slots[at + 2] !== c)) {
      at = (at + stride) & last;
    }
    return at;
  }

  #put(at: number, a: number, b: number, c: number, second: number): void {
    this.#slots[at] = a;
    this.#slots[at + 1] = b;
    this.#slots[at + 2] = c;
    this.#slots[at + secondAt] = second;
    this.#size += 1;
  }

  /** Roughly, from a sample: how much is forgotten at once is a matter of pace, not of correctness. */
  #quantileOfSeconds(share: number): number {
    const sample: number[] = [];
    const every = stride * Math.max(1, Math.floor((this.#mask + 1) / sampledSlots));
    for (let at = secondAt; at < this.#slots.length; at += every) {
      if (this.#slots[at] !== 0) sample.push(this.#slots[at]!);
    }
    // Of a table with hardly anything in it none may be in the sample: then nothing is forgotten, and the table becomes smaller.
    return Uint32Array.from(sample).sort()[Math.floor(sample.length * share)] ?? 0;
  }

  /** Keeps what lies behind `lastForgotten` (as stored: second + 1) in a table of `slotCount` slots. */
  #rebuild(slotCount: number, lastForgotten: number): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(slotCount * stride);
    this.#mask = slotCount - 1;
    this.#size = 0;
    for (let from = 0; from < old.length; from += stride) {
      const second = old[from + secondAt]!;
      if (second <= lastForgotten) continue;
      let at = (old[from]! & this.#mask) * stride;
      while (this.#slots[at + secondAt] !== 0) at = (at + stride) & (this.#slots.length - 1);
      this.#put(at, old[from]!, old[from + 1]!, old[from + 2]!, second);
    }
  }
}
