import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import { WeirError } from "../lib/errors.ts";
import { freeIfLast } from "../lib/free-bytes.ts";
import { Turns } from "../lib/turns.ts";
import { GatheredBody, smallBytesMax, tooLarge } from "./gathered-body.ts";
import type { BodyLimits } from "./gathered-body.ts";

/** Bodies that are decoded at a time, and of them those that have turned out to be large. */
const decodedAtOnce = 4;
const largeAtOnce = 1;

/** So large that each piece has memory of its own, which can be freed when it has been copied. */
const chunkSize = 64 * 1024;

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ chunkSize }),
  "x-gzip": () => createGunzip({ chunkSize }),
  br: () => createBrotliDecompress({ chunkSize }),
  zstd: () => createZstdDecompress({ chunkSize }),
};

/** Makes the decoder of one encoding. */
export type MakeDecoder = () => Transform;

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
      await run(make(), body.pieces(), keep);
      return use(output.bytes());
    } finally {
      isOver = true;
      output.release();
      for (const end of ends) end();
    }
  }
}

/** Decodes the pieces; each one of what comes out may have to wait before the next. */
function run(
  decoder: Transform,
  pieces: readonly Buffer[],
  keep: (piece: Buffer) => Promise<void> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => (decoder.destroy(), reject(error));
    const take = (piece: Buffer): void => {
      const kept = keep(piece);
      if (kept === undefined) return;
      decoder.pause();
      kept.then(() => void decoder.resume(), fail);
    };
    decoder.on("error", (cause) =>
      fail(new WeirError("invalid_encoding", "the body is not what its content encoding says", { cause })),
    );
    decoder.on("data", (piece: Buffer) => attempt(() => take(piece), fail));
    decoder.on("end", resolve);
    for (const piece of pieces) decoder.write(piece);
    decoder.end();
  });
}

function attempt(run: () => void, fail: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    fail(error);
  }
}
