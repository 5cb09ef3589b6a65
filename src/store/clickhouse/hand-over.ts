import { open, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where an engine on this machine reads files from, by their name alone. */
export interface HandOver {
  readonly folder: string;
}

/**
 * Writes `bytes` to a new file in the engine's folder, calls `use`, and removes the file whatever happened: also after a
 * lost answer, for then the engine either has it open or has not begun, and a file that is not there is an error to it,
 * never no rows. The file is not synced: it needs to live no longer than the request.
 */
export async function withFile<T>(
  { folder }: HandOver,
  name: string,
  bytes: Buffer,
  use: () => Promise<T>,
): Promise<T> {
  const path = join(folder, name);
  try {
    await write(path, bytes);
    return await use();
  } finally {
    // Nobody waits for this; what stays behind is removed when the engine starts.
    await rm(path, { force: true }).catch(() => {});
  }
}

async function write(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    let written = 0;
    while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
  } finally {
    await file.close();
  }
}
