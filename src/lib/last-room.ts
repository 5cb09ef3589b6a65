/** A few hundred events. */
export const smallBytes = 64 * 1024;

/**
 * Up to where something with a bound may be filled by a request of so many bytes: the last sixteenth, 16 MiB at most, is for
 * small ones alone. Where there is more than can be taken, those who send without a pause take every room that large requests
 * leave as soon as it is there, and whoever sends a few events now and then, and waits as long as he is told, would find none
 * for minutes. While the others have little a large one may take all, so that one that needs nearly all gets in.
 */
export function boundFor(bytes: number, bytesMax: number, others: number): number {
  const last = Math.min(bytesMax / 16, 16 << 20);
  return bytes <= smallBytes || others <= last ? bytesMax : bytesMax - last;
}
