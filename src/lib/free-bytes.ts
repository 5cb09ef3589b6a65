/**
 * Gives memory back at once. Large buffers that have lived for a while are found only by the collector's rare thorough
 * passes, and until then the process has all of them that ever were. Every view of the memory is empty afterwards.
 */
export function freeBytes(bytes: Uint8Array): void {
  if (bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
}

/** The same, if the view is of all its memory, which is then nobody else's; of none there is nothing to give back. */
export function freeIfWhole(bytes: Uint8Array): void {
  if (bytes.byteLength > 0 && bytes.byteLength === bytes.buffer.byteLength) freeBytes(bytes);
}

/** The same for one who gets all of some memory in views, one behind the other, and is done with each: frees it with the last. */
export function freeIfLast(bytes: Uint8Array): void {
  if (bytes.byteOffset + bytes.byteLength === bytes.buffer.byteLength) freeBytes(bytes);
}
