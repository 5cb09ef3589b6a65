import { WeirError } from "../lib/errors.ts";
import { hash128 } from "../lib/hash128.ts";
import { offset, src } from "../event/position.ts";
import type { OffsetRange } from "../event/position.ts";

/*
 * Where a request's events are in the log, as a text for the client: a check sum, so that a damaged token is told from a good
 * one, and of each range its partition, its first offset and how many follow, seven bits a byte: a topic of a thousand
 * partitions has to fit into the head of a request. It is no secret: a made-up one shows nothing but how far counting is.
 */
const sumBytes = 4;

export function tokenOf(ranges: readonly OffsetRange[]): string {
  const bytes = [0, 0, 0, 0];
  for (const range of ranges) for (const value of [range.src, range.from, range.to - range.from]) write(bytes, value);
  const token = Buffer.from(bytes);
  token.writeUInt32LE(checkSum(token));
  return token.toString("base64url");
}

/** The ranges of a token. @throws WeirError `invalid_token` */
export function rangesOf(token: string): OffsetRange[] {
  const bytes = Buffer.from(token, "base64url");
  const isOurs = bytes.length >= sumBytes && bytes.toString("base64url") === token;
  if (!isOurs || bytes.readUInt32LE() !== checkSum(bytes)) throw invalid(token);
  const ranges: OffsetRange[] = [];
  const cursor = { at: sumBytes };
  while (cursor.at < bytes.length) ranges.push(readRange(bytes, cursor) ?? fail(token));
  return ranges;
}

function readRange(bytes: Buffer, cursor: { at: number }): OffsetRange | undefined {
  const partition = read(bytes, cursor);
  const from = read(bytes, cursor);
  const to = from + read(bytes, cursor);
  return partition <= 65_535 && Number.isSafeInteger(to)
    ? { src: src(partition), from: offset(from), to: offset(to) }
    : undefined;
}

/** Offsets have up to 53 bits: no operator of 32 bits will do. */
function write(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}

/** NaN where the bytes end before the number does. */
function read(bytes: Buffer, cursor: { at: number }): number {
  let value = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = bytes[cursor.at++] ?? NaN;
    value += (byte % 128) * unit;
    if (!(byte >= 128)) return value;
  }
}

function checkSum(token: Buffer): number {
  const words = new Uint32Array(4);
  hash128(token, sumBytes, token.length, 0x77656972, words);
  return words[0]!;
}

function fail(token: string): never {
  throw invalid(token);
}

function invalid(token: string): WeirError {
  return new WeirError("invalid_token", `${token.slice(0, 64)} is not a token that this server gave`);
}
