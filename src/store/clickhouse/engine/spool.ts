import { open, readdir, rm, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

const writeBytes = 1024 * 1024;

/**
 * The data of an insert as a file in the working folder, where the engine reads it: the only fast way in for binary
 * formats. Chunks are written as they arrive, about a megabyte at a time, never copied together.
 */
export class Spool {
  readonly #folder: string;
  #next = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Removes what an earlier process has left. No other engine may work here. A file that the parent hands over at this
   * moment may be among them, or be removed by the parent first: its insert fails, and is tried again.
   */
  async clear(): Promise<void> {
    for (const name of await readdir(this.#folder)) await rm(`${this.#folder}/${name}`, { force: true });
  }

  /** Writes all chunks, calls `use` with the file's name relative to the folder, and removes the file. */
  async with<T>(chunks: AsyncIterable<Buffer>, use: (name: string, bytes: number) => Promise<T>): Promise<T> {
    const name = `insert-${++this.#next}`;
    const path = `${this.#folder}/${name}`;
    const file = await open(path, "wx", 0o600);
    try {
      return await use(name, await writeAllAndClose(file, chunks));
    } finally {
      await unlink(path);
    }
  }
}

async function writeAllAndClose(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<number> {
  try {
    return await writeAll(file, chunks);
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<number> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let total = 0;
  const flush = async (): Promise<void> => {
    let rest = held;
    held = [];
    heldBytes = 0;
    while (rest.length > 0) rest = behind(rest, (await file.writev(rest)).bytesWritten);
  };
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    held.push(chunk);
    heldBytes += chunk.length;
    total += chunk.length;
    if (heldBytes >= writeBytes) await flush();
  }
  if (heldBytes > 0) await flush();
  return total;
}

/** What is left of the buffers behind the first `written` bytes; a write may be cut short. */
function behind(buffers: Buffer[], written: number): Buffer[] {
  let left = written;
  const at = buffers.findIndex((buffer) => {
    if (left < buffer.length) return true;
    left -= buffer.length;
    return false;
  });
  if (at < 0) return [];
  const [first, ...others] = buffers.slice(at);
  return first ? [first.subarray(left), ...others] : [];
}
