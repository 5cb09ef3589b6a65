/** Seeded randomness, so that a run that failed can be repeated by its seed. */
export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  /** 0 ≤ integer < below */
  int(below: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** `digits` lower-case hexadecimal digits. */
  hex(digits: number): string;
}

/** A counter passed through a mixing function: any two seeds give unrelated sequences. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state) / 0x1_0000_0000;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: <T>(list: readonly T[]): T => {
      const item = list[int(list.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    hex: (digits) => {
      let text = "";
      while (text.length < digits) text += int(0x10000).toString(16).padStart(4, "0");
      return text.slice(0, digits);
    },
  };
}

/** A one-to-one scramble of 32 bits: different numbers stay different. */
export function mix(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}
