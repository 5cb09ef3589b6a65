import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";

/**
 * The environment in which a thread or a process takes what one before it has compiled from where this process does: each has to
 * be told anew, and without strips the types of all its sources at each start.
 */
export function compiledBefore(): { readonly NODE_COMPILE_CACHE?: string } {
  const own = getCompileCacheDir();
  // Node adds a folder of its version by itself.
  return own === undefined ? {} : { NODE_COMPILE_CACHE: dirname(own) };
}
