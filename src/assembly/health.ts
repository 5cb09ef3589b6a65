import { healthRoutes } from "../http/health-routes.ts";
import type { Routes } from "../http/server.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Store } from "../store/store.ts";

/** Whatever computes for the store, as far as an operator asks. */
export interface Computing {
  state(): ComputingState;
  /** What is remarkable of it while all is well; undefined: nothing. */
  describe(): string | undefined;
  /** What is to be said of it while it is not up. */
  readonly whyAway: string;
}

export interface ComputingState {
  readonly up: boolean;
  /** It is up, and gives signs of life. */
  readonly answering: boolean;
  readonly isLowOnDisk: boolean;
  readonly restarts: number;
}

interface HealthOf {
  readonly log: Log;
  readonly store: Store;
  readonly engine: Computing;
}

/** `/health`, `/ready` and `/metrics` of both servers. */
export function health(metrics: Metrics, { log, store, engine }: HealthOf): Routes {
  return healthRoutes({
    metrics: () => metrics.text(),
    ready: async () => {
      const { accepting, reason } = log.state();
      const whyNot = await whyStoreIsNotReady(store, engine);
      const parts = {
        log: { ok: accepting, ...(reason === undefined ? {} : { detail: reason }) },
        store: { ok: whyNot === undefined, ...(whyNot === undefined ? {} : { detail: whyNot }) },
      };
      return { ok: accepting && whyNot === undefined, parts };
    },
  });
}

async function whyStoreIsNotReady(store: Store, engine: Computing): Promise<string | undefined> {
  const { up, isLowOnDisk } = engine.state();
  if (isLowOnDisk) return "writes nothing: the disk is full";
  if (!up) return engine.whyAway;
  return store.ping().then(
    () => undefined,
    () => "does not answer",
  );
}
