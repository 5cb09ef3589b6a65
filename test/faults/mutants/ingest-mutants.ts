import {
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import type { HttpRequest } from "../../support/http-client.ts";
import { mix, type Random, seeded } from "../../support/random.ts";
import { type GoodBody, goodBody } from "./bodies.ts";
import { contractOf, type Form, type Taken } from "./contract.ts";
import { mutated, mutatedBytes } from "./mutate.ts";

/** A request to `POST /ingest`, and what must become of it. */
export interface IngestMutant {
  readonly request: HttpRequest;
  /** The events that must be stored; undefined: it must be refused, and nothing stored. */
  readonly taken: readonly Taken[] | undefined;
}

const dayMs = 86_400_000;

/** The mutant of this number; the same for the same seed and time. */
export function ingestMutant(seed: number, number: number, now: number): IngestMutant {
  const random = seeded(mix(seed) ^ mix(number + 1));
  const good = goodBody(random, now);
  const partial = random.chance(0.3);
  const text = random.chance(0.95) ? mutated(good.text, random) : good.text;
  const attributes = good.attributes && mutatedAttributes(good.attributes, random);
  const { type, ...other } = random.chance(0.04) ? random.pick(otherTypes) : good;
  // The data of binary mode is JSON, also when no type says so, and never lines of it.
  const typed = attributes && type === "" ? "json" : other.form;
  const form = attributes && typed === "ndjson" ? undefined : typed;
  const encoded = encodedBody(Buffer.from(text, "latin1"), random);
  const body = form === undefined ? undefined : encoded.readAs;
  const asked = {
    form: attributes && form === "json" ? ("binary" as const) : form!,
    partial,
    timestampMax: now + dayMs,
  };
  const taken = body && contractOf(body, attributes ? { ...asked, attributes: decodedAll(attributes) } : asked);
  const headers = { ...(type === "" ? {} : { "content-type": type }), ...encoded.headers, ...asHeaders(attributes) };
  const length = random.chance(0.15) ? {} : { "content-length": String(encoded.body.length) };
  const path = partial ? "/ingest?partial=true" : "/ingest";
  return { request: { method: "POST", path, headers: { ...headers, ...length }, body: encoded.body }, taken };
}

const otherTypes: readonly { type: string; form: Form | undefined }[] = [
  { type: "", form: undefined },
  { type: "text/plain", form: undefined },
  { type: "application/json; charset=utf-16", form: undefined },
  { type: "application/jsonp", form: undefined },
  { type: "application/json, application/x-ndjson", form: undefined },
  { type: "multipart/form-data; boundary=json", form: undefined },
  { type: "__proto__", form: undefined },
  { type: 'APPLICATION/JSON; Charset="UTF-8"', form: "json" },
  { type: "application/json;charset=utf8; x=y", form: "json" },
  { type: "application/ndjson", form: "ndjson" },
  { type: "application/cloudevents+json; charset=UTF-8", form: "cloudevent" },
  { type: "application/cloudevents-batch+json", form: "cloudevents" },
];

interface Encoded {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** What a decoder makes of it; undefined: nothing. */
  readonly readAs: Buffer | undefined;
}

const encodings = [
  ["gzip", gzipSync, gunzipSync],
  ["br", brotliCompressSync, brotliDecompressSync],
  ["zstd", zstdCompressSync, zstdDecompressSync],
] as const;

function encodedBody(plain: Buffer, random: Random): Encoded {
  if (random.chance(0.8))
    return { body: plain, headers: random.chance(0.05) ? { "content-encoding": "identity" } : {}, readAs: plain };
  const [name, encode, decode] = random.pick(encodings);
  const whole = encode(plain);
  if (random.chance(0.5)) return { body: whole, headers: { "content-encoding": name }, readAs: plain };
  const kind = random.int(4);
  if (kind === 0)
    return {
      body: whole,
      headers: { "content-encoding": random.pick(["deflate", "gzip, br", "compress", "toString", "x"]) },
      readAs: undefined,
    };
  if (kind === 1) return { body: plain, headers: { "content-encoding": name }, readAs: attempt(decode, plain) };
  if (kind === 2) return { body: encode(whole), headers: { "content-encoding": name }, readAs: whole };
  const body = mutatedBytes(whole, random);
  return { body, headers: { "content-encoding": name }, readAs: attempt(decode, body) };
}

type Decode = (typeof encodings)[number][2];

function attempt(decode: Decode, bytes: Buffer): Buffer | undefined {
  try {
    return allMembers(decode, bytes);
  } catch {
    return undefined;
  }
}

/** What stands behind a member is another one, or padding: node by itself passes over it, whatever it is. */
function allMembers(decode: Decode, bytes: Buffer): Buffer {
  const member: unknown = decode(bytes, { info: true });
  if (!isMember(member)) throw new TypeError("it is not known how long a member is");
  const rest = bytes.subarray(member.engine.bytesWritten);
  if (rest.every((byte) => byte === 0)) return member.buffer;
  return Buffer.concat([member.buffer, allMembers(decode, rest)]);
}

interface Member {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const isMember = (value: unknown): value is Member => typeof value === "object" && value !== null && "engine" in value;

type Attributes = NonNullable<GoodBody["attributes"]>;

/** One of them changed, or left out; no character that a header can't have. */
function mutatedAttributes(attributes: Attributes, random: Random): Attributes {
  if (random.chance(0.6)) return attributes;
  const [name, value] = random.pick(Object.entries(attributes));
  if (random.chance(0.2)) return Object.fromEntries(Object.entries(attributes).filter(([other]) => other !== name));
  const changed = random.chance(0.3) ? `"${value}"` : mutated(value, random);
  return { ...attributes, [name]: changed.replaceAll(/[^\x20-\x7e\x80-\xff]/g, "").slice(0, 4000) };
}

const asHeaders = (attributes: Attributes | undefined): Attributes =>
  Object.fromEntries(Object.entries(attributes ?? {}).map(([name, value]) => [`ce-${name}`, value]));

const decodedAll = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, decoded(value)]));

/** As the HTTP binding of CloudEvents wants it: quotes away, then percent-encoding; what is none stands as it is. */
function decoded(value: string): string {
  const trimmed = value.replaceAll(/^[ \t]+|[ \t]+$/g, "");
  const text = /^".*"$/.test(trimmed) && trimmed.length > 1 ? trimmed.slice(1, -1).replaceAll(/\\(.)/g, "$1") : trimmed;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
