/** The greatest common divisor of two whole numbers ≥ 0; of 0 and a number, that number. Euclid's algorithm. */
export function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
