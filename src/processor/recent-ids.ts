import { KeyedHash, type Words } from "../lib/keyed-hash.ts";
import { IdShard } from "./id-shard.ts";
import type { Sighting } from "./id-shard.ts";

export interface RecentIdsOptions {
  /** Bound on the remembered ids, which one batch may go beyond; one takes 16 bytes, at a fill of 40 to 80 % (so 20 to 40 bytes). */
  readonly idsMax: number;
  /** 53 random bits, the secret that keeps everybody from making ids that collide: of two such the second would be lost as a repeat. */
  readonly seed: number;
  /** How much of the bound these may have, 0 … 1, as other partitions have the rest; asked between batches. All, when missing. */
  readonly share?: () => number;
}

/** Tables of so many ids are made anew in a fraction of a millisecond, in which nothing else gets its turn. */
const idsPerShard = 4096;
const shardBitsMin = 6;
const shardBitsMax = 14;

/**
 * The ids of the events with the latest timestamps of one partition, as 128-bit hashes.
 *
 * Invariant, per shard: every event that was stored with a timestamp at or after the shard's horizon is remembered. So
 * an id that is not found is new when its timestamp lies at or after the horizon, and unknown before it. What is
 * forgotten is always what has the earliest timestamps, which moves the horizon up; a late flood of old events
 * therefore never pushes out what the usual retry needs.
 */
export class RecentIds {
  readonly #shards: IdShard[];
  readonly #shardBits: number;
  readonly #hasher: KeyedHash;
  readonly #options: RecentIdsOptions;
  /** How much of the bound is shared out to the shards. */
  #share = 0;
  readonly #hash = new Uint32Array(4);

  constructor(options: RecentIdsOptions) {
    this.#options = options;
    this.#hasher = new KeyedHash(keyOf(options.seed));
    const bits = Math.round(Math.log2(options.idsMax / idsPerShard));
    this.#shardBits = Math.min(Math.max(bits, shardBitsMin), shardBitsMax);
    this.#shards = Array.from({ length: 1 << this.#shardBits }, () => new IdShard());
    this.#shareOut();
  }

  /** Says that events with timestamps (ms) before `timestamp` may be stored without being remembered. */
  raiseHorizon(timestamp: number): void {
    for (const shard of this.#shards) shard.raiseHorizon(Math.ceil(timestamp / 1000));
  }

  /** Takes back that an event of this id was let through: it is not stored, and the next one of its id is to be. */
  forget(eventId: string): void {
    const bytes = Buffer.from(eventId);
    this.#hasher.hash(bytes, 0, bytes.length, this.#hash);
    this.#shard().forget(this.#hash);
  }

  /** Judges the id in `bytes[start, end)` of an event of this time (ms), and remembers it if it is new. */
  take(bytes: Uint8Array, start: number, end: number, timestamp: number): Sighting {
    this.#hasher.hash(bytes, start, end, this.#hash);
    return this.#shard().take(this.#hash, Math.floor(timestamp / 1000));
  }

  #shard(): IdShard {
    return this.#shards[this.#hash[3]! >>> (32 - this.#shardBits)]!;
  }

  /**
   * Forgets what is over the bound, a step for each part that has to. Called between batches only: within one, an id that
   * was let through is not in the store yet, so that a repeat behind it could be found nowhere.
   */
  *makeRoom(): Generator<undefined, void, undefined> {
    this.#shareOut();
    for (const shard of this.#shards) {
      if (!shard.isFull) continue;
      shard.makeRoom();
      yield;
    }
  }

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  /** What their tables take of memory. */
  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.bytes, 0);
  }

  #shareOut(): void {
    const { idsMax, share = () => 1 } = this.#options;
    const now = share();
    if (now === this.#share) return;
    this.#share = now;
    const each = (idsMax * now) / this.#shards.length;
    // Shards fill evenly; different bounds keep them from all making room in the same moment.
    for (const [index, shard] of this.#shards.entries())
      shard.holdAtMost(each * (0.75 + (0.5 * index) / this.#shards.length));
  }
}

/** The rest of the key need not be secret. */
const keyOf = (seed: number): Words => [seed | 0, Math.floor(seed / 0x1_0000_0000) | 0, 0x77656972, 0x69647321];
