import type { PackedEvents } from "../../event/packed.ts";
import { walkPacked } from "../../event/packed.ts";
import { slotsPerRecord } from "./slots.ts";

/** Packed events for one record. The bytes are nobody else's. */
export interface Chunk extends PackedEvents {
  readonly partition: number;
}

/** What one record may hold at most. */
export interface ChunkBounds {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export const recordBounds: ChunkBounds = {
  eventsMax: slotsPerRecord,
  // Below the broker's usual `max.message.bytes` of 1,048,588, with room for the frame around it.
  bytesMax: 1_000_000,
};

/**
 * Copies the events apart by partition, in order; those of one partition are one chunk, or several when they don't fit
 * into one record. The partition of an event is what Kafka's own clients choose for a record whose key is its
 * `event_id`, so that a repeat meets its original whoever wrote it.
 */
export function splitByPartition(
  events: PackedEvents,
  partitions: number,
  bounds: ChunkBounds = recordBounds,
): readonly Chunk[] {
  const open: (OpenChunk | undefined)[] = Array.from({ length: partitions });
  const chunks: OpenChunk[] = [];
  walkPacked(events, ({ start, end, idStart, idEnd }) => {
    const partition = partitionOf(events.bytes, idStart, idEnd, partitions);
    let chunk = open[partition];
    if (chunk === undefined || !chunk.fits(end - start, bounds)) {
      chunk = new OpenChunk(partition, firstCapacity(events, partitions, bounds));
      open[partition] = chunk;
      chunks.push(chunk);
    }
    chunk.add(events.bytes, start, end);
  });
  return chunks.map((chunk) => chunk.finish());
}

/** The partition of an id of UTF-8 bytes `[start, end)`. */
export function partitionOf(bytes: Uint8Array, start: number, end: number, partitions: number): number {
  return partitions === 1 ? 0 : (murmur2(bytes, start, end) & 0x7fffffff) % partitions;
}

/** A fair share and a bit; it grows when that is too little. */
const firstCapacity = ({ bytes }: PackedEvents, partitions: number, { bytesMax }: ChunkBounds): number =>
  Math.min(Math.ceil((bytes.length / partitions) * 1.25) + 256, bytesMax, bytes.length);

class OpenChunk {
  readonly #partition: number;
  #bytes: Buffer;
  #length = 0;
  #count = 0;

  constructor(partition: number, capacity: number) {
    this.#partition = partition;
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  fits(bytes: number, { eventsMax, bytesMax }: ChunkBounds): boolean {
    return this.#count < eventsMax && this.#length + bytes <= bytesMax;
  }

  add(from: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(from.subarray(start, end), this.#length);
    this.#length = length;
    this.#count += 1;
  }

  finish(): Chunk {
    return { partition: this.#partition, count: this.#count, bytes: this.#bytes.subarray(0, this.#length) };
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** MurmurHash2 of 32 bits with the seed of Kafka's default partitioner (Appleby's algorithm, in the public domain). */
function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = 0x9747b28c ^ length;
  const whole = end - (length & 3);
  for (let at = start; at < whole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash, factor) ^ mixed(word);
  }
  const left = end - whole;
  if (left === 3) hash ^= bytes[whole + 2]! << 16;
  if (left >= 2) hash ^= bytes[whole + 1]! << 8;
  if (left >= 1) hash = Math.imul(hash ^ bytes[whole]!, factor);
  hash = Math.imul(hash ^ (hash >>> 13), factor);
  return hash ^ (hash >>> 15);
}

const factor = 0x5bd1e995;

function mixed(word: number): number {
  const product = Math.imul(word, factor);
  return Math.imul(product ^ (product >>> 24), factor);
}
