import { readFileSync, readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { setFlagsFromString } from "node:v8";

/**
 * Requests leave buffers behind that the collector counts as foreign to its heap; by its own measure it would go over the
 * whole heap several times a second to be rid of them. These let it wait for more (a few hundred MB) at a time: a fifth
 * less CPU for an event, measured by `npm run bench -- p1`.
 */
const flags = ["--external-memory-accounted-in-global-limit", "--heap-growing-percent=100"];

/** So much behind the thread that answers; still before the engine. */
const nicer = 10;

const threads = "/proc/self/task";

/**
 * Fits V8's collector to a server that shares few processors with its engine. Its helper threads mark the heap beside the
 * main thread, as many as four at a time: on two processors they took both, and requests waited for up to 20 ms. Where
 * the system names threads (Linux) they go behind.
 *
 * To be called when what is needed has been loaded: V8 takes what was compiled before under the same flags alone, and other
 * processes, which keep what they compile in the same place, have none of these.
 */
export function tuneCollector(): void {
  for (const flag of flags) setFlagsFromString(flag);
  const nice = Math.min(getPriority() + nicer, 19);
  for (const id of helperThreads()) {
    try {
      setPriority(id, nice);
    } catch {
      // The thread has ended, or may not be changed: it goes on as it is.
    }
  }
}

/** The ids of the threads of this process that help the collector (and the compiler). */
export function helperThreads(): readonly number[] {
  try {
    return readdirSync(threads)
      .filter((id) => readFileSync(`${threads}/${id}/comm`, "utf8").startsWith("V8Worker"))
      .map(Number);
  } catch {
    return [];
  }
}
