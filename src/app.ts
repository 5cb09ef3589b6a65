import type { Config } from "./config/options.ts";
import type { Clock } from "./lib/clock.ts";
import { WeirError } from "./lib/errors.ts";
import type { Logger } from "./observe/logger.ts";

export interface App {
  readonly ingestUrl: string;
  readonly queryUrl: string;
  /** Resolves when the process can't go on. */
  readonly failed: Promise<Error>;
  /** Refuses new work, finishes what is under way, releases everything. */
  stop(): Promise<void>;
}

export interface AppDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
}

/**
 * Starts every part in order and resolves when the server can be used.
 * @throws WeirError `port_taken`, `data_dir_in_use`, `invalid_config`.
 */
export function startApp(_config: Config, _deps: AppDeps): Promise<App> {
  return Promise.reject(new WeirError("internal", "the parts are not put together yet"));
}
