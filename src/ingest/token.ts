import { WeirError } from "../lib/errors.ts";
import { hash128 } from "../lib/hash128.ts";
import { offset, rangeKey, src } from "../event/position.ts";
import type { OffsetRange } from "../event/position.ts";

/**
 * Where a request's events are in the log, as a text for the client: ranges and a check sum, so that a damaged token is told
 * from a good one. It is no secret: a made-up one shows nothing but how far counting is.
 */
export function tokenOf(ranges: readonly OffsetRange[]): string {
  const text = ranges.map(rangeKey).join(",");
  return Buffer.from(`${text}.${checkSum(text)}`, "latin1").toString("base64url");
}

/** The ranges of a token. @throws WeirError `invalid_token` */
export function rangesOf(token: string): OffsetRange[] {
  const [text, sum, ...more] = Buffer.from(token, "base64url").toString("latin1").split(".");
  if (text === undefined || sum !== checkSum(text) || more.length > 0) throw invalid(token);
  return text === "" ? [] : text.split(",").map((key) => rangeOf(key) ?? fail(token));
}

function rangeOf(key: string): OffsetRange | undefined {
  const parts = /^(\d{1,5}):(\d{1,16})-(\d{1,16})$/.exec(key);
  if (!parts) return undefined;
  const range = { src: src(Number(parts[1])), from: offset(Number(parts[2])), to: offset(Number(parts[3])) };
  return range.from <= range.to && Number.isSafeInteger(range.to) ? range : undefined;
}

function checkSum(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  const words = new Uint32Array(4);
  hash128(bytes, 0, bytes.length, 0x77656972, words);
  return words[0]!.toString(36);
}

function fail(token: string): never {
  throw invalid(token);
}

function invalid(token: string): WeirError {
  return new WeirError("invalid_token", `${token.slice(0, 64)} is not a token that this server gave`);
}
