import type { Config } from "../config/options.ts";
import type { Clock } from "../lib/clock.ts";
import type { Closers } from "../lib/closers.ts";
import type { Logger } from "../observe/logger.ts";
import type { Metrics } from "../observe/metrics.ts";

/** What every part of a running server is put together with. */
export interface Basis {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly closers: Closers;
  /** The process can't go on. */
  readonly fail: (error: Error) => void;
}
