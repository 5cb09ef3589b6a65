import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { compressionsAlgorithms } from "@platformatic/kafka";

/** It would be larger than the bound. */
export class TooLarge extends Error {}

/** By the number that a batch says its compression with. */
export const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Codec = (typeof codecs)[number];

/**
 * What is compressed in a batch. Nothing larger than `bytesMax` is ever made: where a library does not stop by itself, it
 * is counted first.
 * @throws TooLarge; whatever else it throws says that these bytes can't be decompressed.
 */
export function decompress(codec: Codec, bytes: Buffer, bytesMax: number): Buffer {
  switch (codec) {
    case "none":
      return bytes;
    case "gzip":
      return stoppedBySize(() => gunzipSync(bytes, { maxOutputLength: bytesMax }), bytesMax);
    case "zstd":
      return zstdFrames(bytes, bytesMax);
    case "snappy":
      mustFit(snappyBytes(bytes), bytesMax);
      return compressionsAlgorithms.snappy.decompressSync(bytes);
    case "lz4":
      mustFit(lz4Bytes(bytes), bytesMax);
      return compressionsAlgorithms.lz4.decompressSync(bytes);
  }
}

/** Each costs as much as decoding some kilobytes. */
const framesMaxOf = (bytes: number): number => 16 + Math.floor(bytes / 1024);

/** Node decodes the first frame alone, and takes it for the whole. */
function zstdFrames(bytes: Buffer, bytesMax: number): Buffer {
  const most = framesMaxOf(bytes.length);
  const frames: Buffer[] = [];
  let [at, length] = [0, 0];
  do {
    if (frames.length === most) throw new Error(`it has more than ${most} frames`);
    const maxOutputLength = Math.max(1, bytesMax - length);
    const rest = bytes.subarray(at);
    const { buffer, engine } = stoppedBySize(() => zstdFrame(rest, maxOutputLength), bytesMax);
    frames.push(buffer);
    at += engine.bytesWritten;
    length += buffer.length;
    mustFit(length, bytesMax);
  } while (at < bytes.length);
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
}

interface Frame {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function zstdFrame(bytes: Buffer, maxOutputLength: number): Frame {
  const frame: unknown = zstdDecompressSync(bytes, { maxOutputLength, info: true });
  if (isFrame(frame)) return frame;
  throw new Error("it is not known how long a frame is");
}

const isFrame = (value: unknown): value is Frame => typeof value === "object" && value !== null && "engine" in value;

function stoppedBySize<T>(run: () => T, bytesMax: number): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE")
      throw new TooLarge(`more than ${bytesMax} bytes`, { cause: error });
    throw error;
  }
}

function mustFit(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw new TooLarge(`${bytes} bytes`);
}

/** With what Java's clients begin, who put several blocks behind each other. */
const framed = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const framedHeadBytes = 16;

/** Each block says at its beginning how large it becomes. */
function snappyBytes(bytes: Buffer): number {
  if (!bytes.subarray(0, framed.length).equals(framed)) return varint(bytes, 0);
  let sum = 0;
  for (let at = framedHeadBytes; at + 4 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) sum += varint(bytes, at + 4);
  return sum;
}

function varint(bytes: Buffer, from: number): number {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[from + index] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  return value;
}

const lz4Magic = 0x184d2204;
const lz4 = { blockSums: 0x10, contentSize: 0x08, dictionary: 0x01, plainBlock: 0x80000000 };

/** What the blocks of a frame become. A frame need not say it. */
function lz4Bytes(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== lz4Magic) throw new Error("it is no LZ4 frame");
  const flags = bytes.readUInt8(4);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  let at = 7 + (has(lz4.contentSize) ? 8 : 0) + (has(lz4.dictionary) ? 4 : 0);
  let sum = 0;
  for (;;) {
    const word = bytes.readUInt32LE(at);
    if (word === 0) return sum;
    const size = word % lz4.plainBlock;
    const block = bytes.subarray(at + 4, at + 4 + size);
    sum += word >= lz4.plainBlock ? size : lz4BlockBytes(block);
    at += 4 + size + (has(lz4.blockSums) ? 4 : 0);
  }
}

/** A block is a row of literals and of repeats of what was before, each with its length. */
function lz4BlockBytes(block: Buffer): number {
  let [at, sum] = [0, 0];
  const length = (nibble: number): number => {
    let value = nibble;
    for (let more = nibble === 15; more;) {
      const byte = block[at++] ?? 0;
      value += byte;
      more = byte === 255;
    }
    return value;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = length(token >> 4);
    at += literals;
    sum += literals;
    // The last literals have no repeat behind them.
    if (at >= block.length) break;
    at += 2;
    sum += length(token & 15) + 4;
  }
  return sum;
}
