import { workerData } from "node:worker_threads";

/** When this thread last ran, and the longest that it did not (ns). */
const { beats, resolution } = workerData as { readonly beats: BigInt64Array; readonly resolution: number };

setInterval(() => {
  const now = process.hrtime.bigint();
  const since = now - Atomics.load(beats, 0);
  if (since > Atomics.load(beats, 1)) Atomics.store(beats, 1, since);
  Atomics.store(beats, 0, now);
}, resolution);
