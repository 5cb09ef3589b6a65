/**
 * MurmurHash3, x86 variant of 128 bits, by Austin Appleby (public domain), over `bytes[start, end)`.
 * Writes four unsigned words into `out`. For check sums only: whoever wants to can make texts that collide, whatever the
 * seed. Where that would do harm, take `KeyedHash`.
 */
export function hash128(bytes: Uint8Array, start: number, end: number, seed: number, out: Uint32Array): void {
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  const blocksEnd = end - ((end - start) & 15);
  for (let at = start; at < blocksEnd; at += 16) {
    h1 = (Math.imul(rotl(h1 ^ mix1(word(bytes, at)), 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(rotl(h2 ^ mix2(word(bytes, at + 4)), 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(rotl(h3 ^ mix3(word(bytes, at + 8)), 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(rotl(h4 ^ mix4(word(bytes, at + 12)), 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= mix1(tail(bytes, blocksEnd, end));
  h2 ^= mix2(tail(bytes, blocksEnd + 4, end));
  h3 ^= mix3(tail(bytes, blocksEnd + 8, end));
  h4 ^= mix4(tail(bytes, blocksEnd + 12, end));
  finish(h1, h2, h3, h4, end - start, out);
}

function finish(a: number, b: number, c: number, d: number, length: number, out: Uint32Array): void {
  let h1 = a ^ length;
  let h2 = b ^ length;
  let h3 = c ^ length;
  let h4 = d ^ length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = avalanche((h2 + h1) | 0);
  h3 = avalanche((h3 + h1) | 0);
  h4 = avalanche((h4 + h1) | 0);
  h1 = (avalanche(h1) + h2 + h3 + h4) | 0;
  out[0] = h1;
  out[1] = h2 + h1;
  out[2] = h3 + h1;
  out[3] = h4 + h1;
}

const rotl = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
const mix1 = (k: number): number => Math.imul(rotl(Math.imul(k, 0x239b961b), 15), 0xab0e9789);
const mix2 = (k: number): number => Math.imul(rotl(Math.imul(k, 0xab0e9789), 16), 0x38b34ae5);
const mix3 = (k: number): number => Math.imul(rotl(Math.imul(k, 0x38b34ae5), 17), 0xa1e38b93);
const mix4 = (k: number): number => Math.imul(rotl(Math.imul(k, 0xa1e38b93), 18), 0x239b961b);

function avalanche(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** Up to four bytes from `at`, little endian, zero where `end` cuts them off. */
function tail(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let index = Math.min(at + 3, end - 1); index >= at; index--) value = (value << 8) | bytes[index]!;
  return value;
}
