/** Beyond these the drawing finds no steps for its axis, or adds values up to infinity. */
const [least, most] = [1e-9, 1e15];

/** What values are told in while they are drawn: 1, and of very large or very small ones a power of ten. */
export function unitOf(lines: readonly (readonly (number | null)[])[]): number {
  const size = lines.reduce((size, values) => values.reduce<number>((size, one) => larger(size, one), size), 0);
  return size === 0 || (size >= least && size < most) ? 1 : 10 ** Math.max(Math.floor(Math.log10(size)), -300);
}

const larger = (size: number, value: number | null): number => Math.max(size, Math.abs(value ?? 0));
