import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";

/** A little that becomes a lot when it is decoded. */
export interface Bomb {
  readonly name: string;
  readonly encoding: string;
  readonly body: Buffer;
}

const MiB = 1024 * 1024;
const memberMiB = 16;

/** One bomb in each encoding. Gzip and zstd are made of members, so that any size is made in no time; br of 64 MiB in any case. */
export function bombs(mebibytes: number): readonly Bomb[] {
  const member = Buffer.alloc(memberMiB * MiB, " ");
  const repeated = (bytes: Buffer): Buffer =>
    Buffer.concat(Array.from({ length: Math.ceil(mebibytes / memberMiB) }, () => bytes));
  const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  return [
    { name: "a bomb in gzip", encoding: "gzip", body: repeated(gzipSync(member, { level: 9 })) },
    { name: "a bomb in zstd", encoding: "zstd", body: repeated(zstdCompressSync(member)) },
    { name: "a bomb in br", encoding: "br", body: brotliCompressSync(Buffer.alloc(4 * memberMiB * MiB, " "), fast) },
  ];
}
