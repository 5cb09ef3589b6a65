import { statfsSync } from "node:fs";

/** What the disk of `dir` has left for this user, bytes. Costs some 25 µs. */
export function freeBytesOf(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}
