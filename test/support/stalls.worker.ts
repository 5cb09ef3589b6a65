import { workerData } from "node:worker_threads";

/** When this thread last ran, and the longest that it did not (ns). */
const { beats, resolution } = workerData as { readonly beats: BigInt64Array; readonly resolution: number };

setInterval(() => {
  const now = process.hrtime.bigint();
  const last = Atomics.load(beats, 0);
  const since = last === 0n ? 0n : now - last;
  if (since > Atomics.load(beats, 1)) Atomics.store(beats, 1, since);
  Atomics.store(beats, 0, now);
}, resolution);
