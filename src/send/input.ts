import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pipeline as pipelined } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import { explained } from "../commands/message.ts";
import { CommandError } from "../commands/rule-files.ts";
import { csvRows } from "./csv-rows.ts";
import { formatByHead } from "./head.ts";
import type { Format } from "./head.ts";
import { jsonRows, ndjsonRows } from "./json-rows.ts";
import { parquetRows } from "./parquet-rows.ts";
import type { Row } from "./row.ts";
import { type Decoder, decodeMembers } from "../lib/members.ts";
import { unlessAborted } from "../lib/unless-aborted.ts";

export interface InputOptions {
  readonly format: Format | "auto";
  readonly delimiter: string | null;
  readonly stdin: AsyncIterable<Buffer>;
  /** Somebody wants an end, and does not wait for a standard input to begin. */
  readonly signal: AbortSignal;
  /** Told the columns of a file that names them, before its first row. @throws CommandError */
  readonly headed: (file: string, columns: readonly string[]) => void;
}

/** A file, or the standard input, that is read row by row. */
export interface Input {
  /** As it is called in messages. */
  readonly name: string;
  /** Without its folders; `stdin`. */
  readonly source: string;
  readonly format: Format;
  /** How much of it has been read, 0 to 1; null when that can't be known. */
  readonly share: () => number | null;
  /** To be read once. @throws CommandError */
  readonly rows: AsyncIterable<readonly Row[]>;
}

/** Opens what a command calls `path`; `-` is the standard input. @throws CommandError; the signal's reason */
export async function openInput(path: string, options: InputOptions): Promise<Input> {
  return path === "-" ? standardInput(options) : fileInput(path, options);
}

async function fileInput(path: string, options: InputOptions): Promise<Input> {
  const { size, isFile } = await sizeOf(path);
  const format = options.format === "auto" ? formatOf(path) : options.format;
  if (format === undefined)
    throw new CommandError(`${path}: its name does not say what it is; take --format json, ndjson, csv or parquet`);
  const source = basename(path);
  if (format === "parquet") {
    if (isFile && !packedEnding.test(path)) await mustBeParquet(path, path);
    return parquetInput(path, path, source, options);
  }
  const read = { bytes: 0 };
  const pieces = unpacked(path, counted(opened(path), read));
  const share = (): number | null => (isFile && size > 0 ? read.bytes / size : null);
  return textInput(path, source, format, pieces, share, options);
}

function textInput(
  name: string,
  source: string,
  format: Exclude<Format, "parquet">,
  pieces: AsyncIterable<Buffer>,
  share: Input["share"],
  options: InputOptions,
): Input {
  const delimiter = options.delimiter ?? (/\.tsv(\.\w+)?$/i.test(name) ? "\t" : ",");
  const headed = (columns: readonly string[]): void => options.headed(name, columns);
  const rows = {
    json: () => jsonRows(name, pieces),
    ndjson: () => ndjsonRows(name, pieces),
    csv: () => csvRows(name, pieces, delimiter, headed),
  }[format]();
  return { name, source, format, share, rows };
}

function parquetInput(
  name: string,
  path: string,
  source: string,
  { headed }: InputOptions,
  then = async (): Promise<void> => {},
): Input {
  let all = 0;
  let read = 0;
  async function* rows(): AsyncGenerator<readonly Row[]> {
    try {
      for await (const some of parquetRows(name, path, (count) => (all = count))) {
        // The engine writes every column in every row.
        if (read === 0) headed(name, Object.keys(some[0]?.values ?? {}));
        yield some;
        read += some.length;
      }
    } finally {
      await then();
    }
  }
  return { name, source, format: "parquet", share: () => (all > 0 ? read / all : null), rows: rows() };
}

/** @throws CommandError for a file that does not end as one does: it is another one, or was cut off. */
async function mustBeParquet(name: string, path: string): Promise<void> {
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(name, error);
  });
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, Math.max(0, size - 4));
    if (!/^PAR[1E]$/.test(buffer.toString("latin1")))
      throw new CommandError(`${name} can't be read as Parquet: it does not end as such a file does; was it cut off?`);
  } finally {
    await file.close();
  }
}

/** Begins to read, to see what it is. */
async function standardInput(options: InputOptions): Promise<Input> {
  const pieces = options.stdin[Symbol.asyncIterator]();
  const { head, format } = await begun(pieces, options);
  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
  }
  const packed = packings.find(([magic]) => head.subarray(0, magic.length).equals(magic));
  if (packed !== undefined && format !== "parquet")
    throw new CommandError(`the standard input is packed; unpack it on its way here: ${packed[1]} FILE | weir send -`);
  if (format === undefined)
    throw new CommandError("the standard input does not begin as JSON; take --format csv, if it is that");
  if (format !== "parquet") return textInput("-", "stdin", format, unpacked("-", all()), () => null, options);
  const folder = await mkdtemp(join(tmpdir(), "weir-send-"));
  const path = join(folder, "stdin.parquet");
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  // The end of a Parquet file says what is where in it.
  const kept = pipelined(all, createWriteStream(path), { signal: options.signal });
  await unlessAborted(kept, options.signal).catch(async (error: unknown) => {
    await remove();
    options.signal.throwIfAborted();
    throw new CommandError(`the standard input can't be kept in ${folder}, as Parquet needs: ${explained(error)}`);
  });
  await mustBeParquet("the standard input", path).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return parquetInput("-", path, "stdin", options, remove);
}

/** As much of it as says what it is. */
async function begun(pieces: AsyncIterator<Buffer, unknown>, { format: asked, signal }: InputOptions) {
  for (let head = Buffer.alloc(0); ;) {
    const next = await unlessAborted(pieces.next(), signal);
    if (next.done !== true) head = Buffer.concat([head, next.value]);
    const format = asked === "auto" ? formatByHead(head, next.done === true) : asked;
    if (format !== "more") return { head, format };
  }
}

const packings: readonly (readonly [Buffer, string])[] = [
  [Buffer.from([0x1f, 0x8b]), "zcat"],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), "zstdcat"],
];

const endings: readonly (readonly [RegExp, Format])[] = [
  [/\.json$/i, "json"],
  [/\.(ndjson|jsonl)$/i, "ndjson"],
  [/\.(csv|tsv)$/i, "csv"],
  [/\.parquet$/i, "parquet"],
];

const packedEnding = /\.(gz|zst|br)$/i;

const formatOf = (path: string): Format | undefined =>
  endings.find(([ending]) => ending.test(path.replace(packedEnding, "")))?.[1];

const unpackers: Readonly<Record<string, () => Decoder>> = {
  gz: createGunzip,
  zst: createZstdDecompress,
  br: createBrotliDecompress,
};

async function* unpacked(path: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacker = unpackers[packedEnding.exec(path)?.[1]?.toLowerCase() ?? ""];
  try {
    if (unpacker === undefined) return yield* pieces;
    yield* decodeMembers(unpacker, pieces);
  } catch (error) {
    throw error instanceof CommandError ? error : unreadable(path, error);
  }
}

async function* counted(pieces: AsyncIterable<Buffer>, read: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    yield piece;
    read.bytes += piece.length;
  }
}

const opened = (path: string): AsyncIterable<Buffer> => createReadStream(path, { highWaterMark: 256 * 1024 });

async function sizeOf(path: string): Promise<{ size: number; isFile: boolean }> {
  try {
    const facts = await stat(path);
    if (!facts.isDirectory()) return { size: facts.size, isFile: facts.isFile() };
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new CommandError(`${path} is a folder; name the files in it, such as ${join(path, "*.csv")}`);
}

const unreadable = (path: string, error: unknown): CommandError =>
  new CommandError(`${path} can't be read: ${explained(error)}`);
