import { asWritten, parseNumbers } from "../lib/exact-json.ts";

/** Where JavaScript may make another number of one, or write it in another way: most texts have none, and are parsed four times as fast. */
const suspect = /\d{16}|[eE]\+?\d{2}/;
const manyDigits = /^-?[1-9]\d{15,}$/;

/** JSON; numbers that JavaScript would round, or that it has none for, are written again as they stand. @throws SyntaxError */
export function parseExact(text: string): unknown {
  return suspect.test(text) ? parseNumbers(text, asItStands) : JSON.parse(text);
}

const asItStands = (value: number, written: string): unknown =>
  manyDigits.test(written) || !Number.isFinite(value) ? asWritten(written) : withExponent(value);

/** JavaScript writes 1e20 as an integer, and a payload has none beyond 64 bits. */
const withExponent = (value: number): unknown =>
  Math.abs(value) >= 2 ** 63 ? asWritten(value.toExponential()) : value;

const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number that a text says, with all of its digits; undefined when it says none. */
export function numberIn(text: string): unknown {
  const bare = text.trim();
  if (manyDigits.test(bare)) return asWritten(bare);
  const number = decimal.test(bare) ? Number(bare) : Infinity;
  return Number.isFinite(number) ? withExponent(number) : undefined;
}

/** Whether it is an integer that a payload has no number for. */
export const isBeyond64Bits = (text: string): boolean =>
  manyDigits.test(text) && (text.length > 20 || BigInt.asIntN(64, BigInt(text)) !== BigInt(text));
