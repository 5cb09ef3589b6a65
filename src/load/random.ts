/** Numbers by a seed: the same seed gives the same visitors. */
export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  /** 0 ≤ integer < below */
  int(below: number): number;
  /** The first ones are taken more often than the last, as people take products. */
  often<T>(list: readonly T[]): T;
}

/** A counter that is scrambled (SplitMix, 32 bits). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    int: (below) => Math.floor(next() * below),
    often: (list) => list[Math.floor(next() * next() * list.length)]!,
  };
}
