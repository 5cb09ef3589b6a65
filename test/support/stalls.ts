import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";

const resolution = 20;
/** What holds the thread of the test up for longer than this, while its process goes on, is no machine that is busy. */
const allowedMsMax = 3_000;

/** A machine that holds everything up for longer tells nothing of what it runs. */
const machineMsMax = 15_000;

/** How a promise in time is judged on a machine that is busy with other tests. */
export interface Stalls {
  /** The longest that this process was kept from its work since the beginning: so much later it sees, or does, anything. */
  readonly worstMs: () => number;
  stop(): void;
}

/**
 * Begins to watch how late timers of this process are. Everything else on the machine has no less to wait. What a thread
 * with nothing else to do is late was the machine, however long it took; what is tested may hold up the thread of the test
 * itself.
 */
export function watchStalls(): Stalls {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  const machine = watchMachine();
  return {
    worstMs: () => Math.max(machine.worstMs(), Math.min(allowedMsMax, delays.max / 1e6 - resolution), 0),
    stop: () => {
      delays.disable();
      machine.stop();
    },
  };
}

/** How late a thread of its own is, from its first beat on. */
function watchMachine(): Stalls {
  const beats = new BigInt64Array(new SharedArrayBuffer(16));
  const now = process.hrtime.bigint;
  const worker = new Worker(new URL("stalls.worker.ts", import.meta.url), { workerData: { beats, resolution } });
  worker.unref();
  let stopped: bigint | undefined;
  return {
    // One that is late has not written it down yet.
    worstMs: () => {
      const last = Atomics.load(beats, 0);
      const since = last === 0n ? 0n : (stopped ?? now()) - last;
      const worst = Math.max(Number(since), Number(Atomics.load(beats, 1))) / 1e6 - resolution;
      return Math.min(machineMsMax, worst);
    },
    stop: () => {
      stopped = now();
      void worker.terminate();
    },
  };
}
