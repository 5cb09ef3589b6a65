import type { Transform } from "node:stream";

/** A decoder of `node:zlib`. */
export type Decoder = Transform & { readonly bytesWritten: number };

/**
 * Writes pieces into a decoder, one when the one before is decoded, until there is none or it has come to an end of its own: of
 * a file or body that is made of several members (zstd calls them frames) node's decoder takes the first for the whole, and
 * drops what stands behind it without a word. (It goes on by itself only with gzip, and where a frame ends with a piece.)
 * @returns what it has not taken of the last piece; undefined when it has taken everything. What goes wrong the decoder tells.
 */
export async function feed(
  decoder: Decoder,
  next: () => Buffer | undefined | Promise<Buffer | undefined>,
): Promise<Buffer | undefined> {
  let given = 0;
  for (let piece = await next(); piece !== undefined && !decoder.destroyed; piece = await next()) {
    given += piece.length;
    await written(decoder, piece);
    const left = given - decoder.bytesWritten;
    if (left > 0) return piece.subarray(piece.length - left);
  }
  decoder.end();
  return undefined;
}

/** Also resolves when it has failed: then node does not call back. */
const written = (decoder: Decoder, piece: Buffer): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      decoder.off("close", done);
      resolve();
    };
    decoder.once("close", done).write(piece, done);
  });

/** Decodes all members of what comes. */
export async function* decodeMembers(make: () => Decoder, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = pieces[Symbol.asyncIterator]();
  const more = async (): Promise<Buffer | undefined> => pieceOf(await source.next());
  let rest: Buffer | undefined;
  try {
    do {
      const decoder = make();
      const waiting = rest === undefined ? [] : [rest];
      const fed = feed(decoder, () => waiting.pop() ?? more()).catch((error: Error) => void decoder.destroy(error));
      yield* decoder as AsyncIterable<Buffer>;
      rest = (await fed) ?? undefined;
      while (rest !== undefined && isPadding(rest)) rest = await more();
    } while (rest !== undefined);
  } finally {
    await source.return?.();
  }
}

/** Zeros behind a member, which fill up the blocks of what it was once written to. */
export const isPadding = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

const pieceOf = ({ done, value }: IteratorResult<Buffer, unknown>): Buffer | undefined =>
  done === true ? undefined : value;
