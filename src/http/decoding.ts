import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import { WeirError } from "../lib/errors.ts";
import { freeIfLast } from "../lib/free-bytes.ts";
import { type Decoder, feed, isPadding } from "../lib/members.ts";
import { Turns } from "../lib/turns.ts";
import { GatheredBody, smallBytesMax, tooLarge } from "./gathered-body.ts";
import type { BodyLimits } from "./gathered-body.ts";

/** Bodies that are decoded at a time, and of them those that have turned out to be large. */
const decodedAtOnce = 4;
const largeAtOnce = 1;
/** Each needs a decoder of its own, which costs more than decoding a kilobyte. Who compresses in parallel makes one for a megabyte or so. */
const membersMaxOf = (bytes: number): number => 16 + Math.floor(bytes / 1024);

/** So large that each piece has memory of its own, which can be freed when it has been copied. */
const chunkSize = 64 * 1024;

const decoders: Readonly<Record<string, () => Decoder>> = {
  gzip: () => createGunzip({ chunkSize }),
  "x-gzip": () => createGunzip({ chunkSize }),
  br: () => createBrotliDecompress({ chunkSize }),
  zstd: () => createZstdDecompress({ chunkSize }),
};

/** Makes the decoder of one encoding. */
export type MakeDecoder = () => Decoder;

/**
 * What a `Content-Encoding` asks for; undefined: nothing.
 * @throws WeirError `unsupported_encoding`
 */
export function decoderOf(header: string | undefined): MakeDecoder | undefined {
  const encoding = (header ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return undefined;
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decoder) return decoder;
  throw new WeirError(
    "unsupported_encoding",
    `content encoding ${encoding.slice(0, 64)} is not understood; known are gzip, br, zstd, one at a time`,
  );
}

/**
 * Decodes bodies that have arrived, a few at a time: a kilobyte can become all that a body may have, so that without
 * turns a handful of clients could fill the memory that all requests share.
 */
export class Decoding {
  readonly #turns = new Turns(decodedAtOnce);
  readonly #largeTurns = new Turns(largeAtOnce);

  /**
   * Gives the decoded body to `use`, which is done with it when it returns.
   * @throws WeirError `body_too_large`, `invalid_encoding`, and what `limits.grow` throws.
   */
  async decoded<T>(body: GatheredBody, make: MakeDecoder, limits: BodyLimits, use: (body: Buffer) => T): Promise<T> {
    const ends = [await this.#turns.take()];
    const output = new GatheredBody(limits.bytesMax);
    let isOver = false;
    const add = (piece: Buffer): undefined => void (output.add(piece) && freeIfLast(piece));
    const keep = (piece: Buffer): Promise<void> | undefined => {
      const length = output.length + piece.length;
      if (length > limits.bytesMax) throw tooLarge(limits.bytesMax);
      limits.grow(piece.length);
      if (length <= smallBytesMax || ends.length > 1) return add(piece);
      // What was behind the piece may have turned out to be broken meanwhile: then nobody is left to end this turn.
      return this.#largeTurns.take().then((end) => (isOver ? end() : (ends.push(end), add(piece))));
    };
    try {
      await run(make, body, keep);
      return use(output.bytes());
    } finally {
      isOver = true;
      output.release();
      for (const end of ends) end();
    }
  }
}

type Keep = (piece: Buffer) => Promise<void> | undefined;

/** Decodes the pieces, one member behind the other. */
async function run(make: MakeDecoder, body: GatheredBody, keep: Keep): Promise<void> {
  const most = membersMaxOf(body.length);
  const pieces = body.pieces();
  const more = (): Buffer | undefined => pieces.next().value ?? undefined;
  let rest = more();
  let members = 0;
  do {
    if (++members > most)
      throw new WeirError("invalid_encoding", `the body has more than ${most} members; compress it as a whole`);
    const first = [rest];
    rest = (await runOne(make(), () => first.pop() ?? more(), keep)) ?? more();
    while (rest !== undefined && isPadding(rest)) rest = more();
  } while (rest !== undefined);
}

/** Decodes one member; each piece of what comes out may have to wait before the next. */
function runOne(decoder: Decoder, next: () => Buffer | undefined, keep: Keep): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => (decoder.destroy(), reject(error));
    const take = (piece: Buffer): void => {
      const kept = keep(piece);
      if (kept === undefined) return;
      decoder.pause();
      kept.then(() => void decoder.resume(), fail);
    };
    decoder.on("error", (cause) => fail(undecodable(cause)));
    decoder.on("data", (piece: Buffer) => attempt(() => take(piece), fail));
    const rest = feed(decoder, next);
    decoder.on("end", () => resolve(rest.finally(() => decoder.destroy())));
  });
}

const undecodable = (cause?: unknown): WeirError =>
  new WeirError("invalid_encoding", "the body is not what its content encoding says", { cause });

function attempt(run: () => void, fail: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    fail(error);
  }
}
