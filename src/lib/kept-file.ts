import { statSync } from "node:fs";

/**
 * For a file that is kept open: the returned function throws when the file of this name is no longer the one that it was at
 * the call of `keptFile`. SQLite writes on into one that was removed, and nothing of that is there afterwards.
 */
export function keptFile(path: string): () => void {
  const { dev, ino } = statSync(path);
  return () => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.ino === ino && found.dev === dev) return;
    throw new Error(`${path} was ${found === undefined ? "removed" : "replaced"} while it was in use`);
  };
}
