/**
 * A hash of 128 bits under a secret key: Chaskey (Mouha, Mennink and others: SAC 2014), a message authentication code made
 * for machines of 32 bits. Who does not know the key can't find two texts of one hash. A hash that is merely seeded does not
 * give that: of MurmurHash3 there are pairs of texts that meet under every seed.
 */
export class KeyedHash {
  readonly #key: Words;
  /** For a last block that is full, and for one that is padded. */
  readonly #whole: Words;
  readonly #padded: Words;

  constructor(key: Words) {
    this.#key = key;
    this.#whole = doubled(key);
    this.#padded = doubled(this.#whole);
  }

  /** Writes the hash of `bytes[start, end)` into `out`, four unsigned words. */
  hash(bytes: Uint8Array, start: number, end: number, out: Uint32Array): void {
    const [k0, k1, k2, k3] = this.#key;
    out[0] = k0;
    out[1] = k1;
    out[2] = k2;
    out[3] = k3;
    // The last block, full or not, is treated apart; of no bytes it is empty.
    let at = start;
    for (; end - at > blockBytes; at += blockBytes) {
      mix(word(bytes, at), word(bytes, at + 4), word(bytes, at + 8), word(bytes, at + 12), out);
    }
    const [l0, l1, l2, l3] = end - at === blockBytes ? this.#whole : this.#padded;
    mix(
      tail(bytes, at, end) ^ l0,
      tail(bytes, at + 4, end) ^ l1,
      tail(bytes, at + 8, end) ^ l2,
      tail(bytes, at + 12, end) ^ l3,
      out,
    );
    out[0] = out[0] ^ l0;
    out[1] = out[1] ^ l1;
    out[2] = out[2] ^ l2;
    out[3] = out[3] ^ l3;
  }
}

export type Words = readonly [number, number, number, number];

const blockBytes = 16;
const rounds = 8;

/** Takes a block into the state. */
function mix(m0: number, m1: number, m2: number, m3: number, state: Uint32Array): void {
  let v0 = state[0]! ^ m0;
  let v1 = state[1]! ^ m1;
  let v2 = state[2]! ^ m2;
  let v3 = state[3]! ^ m3;
  for (let round = 0; round < rounds; round++) {
    v0 = (v0 + v1) | 0;
    v1 = rotl(v1, 5) ^ v0;
    v0 = rotl(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotl(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotl(v3, 13) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotl(v1, 7) ^ v2;
    v2 = rotl(v2, 16);
  }
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

const rotl = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** Up to four bytes from `at`, little endian; behind the last byte stands a 1, then zeros. */
function tail(bytes: Uint8Array, at: number, end: number): number {
  if (end - at >= 4) return word(bytes, at);
  if (end < at) return 0;
  let value = 1;
  for (let index = end - 1; index >= at; index--) value = (value << 8) | bytes[index]!;
  return value;
}

/** Twice the number in the field of 2^128 elements, little endian. */
function doubled([w0, w1, w2, w3]: Words): Words {
  return [
    (w0 << 1) ^ (w3 < 0 || w3 > 0x7fff_ffff ? 0x87 : 0),
    (w1 << 1) | (w0 >>> 31),
    (w2 << 1) | (w1 >>> 31),
    (w3 << 1) | (w2 >>> 31),
  ];
}
