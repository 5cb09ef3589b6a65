import { monitorEventLoopDelay } from "node:perf_hooks";

/** What holds a process up for longer than this is no machine that is busy. */
const allowedMsMax = 3_000;

/** How a promise in time is judged on a machine that is busy with other tests. */
export interface Stalls {
  /** The longest that this process was kept from its work since the beginning: so much later it sees, or does, anything. */
  readonly worstMs: () => number;
  stop(): void;
}

/** Begins to watch how late timers of this process are. Everything else on the machine has no less to wait. */
export function watchStalls(): Stalls {
  const resolution = 20;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  return {
    worstMs: () => Math.min(allowedMsMax, Math.max(0, delays.max / 1e6 - resolution)),
    stop: () => void delays.disable(),
  };
}
