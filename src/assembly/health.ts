import type { Archiver } from "../archive/archiver.ts";
import { healthRoutes } from "../http/health-routes.ts";
import type { Routes } from "../http/server.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Registry } from "../rule/registry.ts";
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
  readonly rules: Pick<Registry, "trouble">;
  readonly archiver: Pick<Archiver, "trouble"> | undefined;
}

/** `/health`, `/ready` and `/metrics` of both servers. */
export function health(metrics: Metrics, { log, store, engine, rules, archiver }: HealthOf): Routes {
  return healthRoutes({
    metrics: () => metrics.text(),
    ready: async () => {
      const { accepting, reason } = log.state();
      const whyNot = await whyStoreIsNotReady(store, engine);
      const parts = {
        log: { ...partOf(reason), ok: accepting },
        store: partOf(whyNot),
        rules: partOf(rules.trouble()),
        ...archivePart(archiver),
      };
      // Without the archive it catches up later; without the rules' place everything but changing them goes on.
      return { ok: accepting && whyNot === undefined, parts };
    },
  });
}

/** Where there is one. */
export const archivePart = (archiver: HealthOf["archiver"]): { archive?: ReturnType<typeof partOf> } =>
  archiver === undefined ? {} : { archive: partOf(archiver.trouble()) };

const partOf = (trouble: string | undefined): { ok: boolean; detail?: string } =>
  trouble === undefined ? { ok: true } : { ok: false, detail: trouble };

async function whyStoreIsNotReady(store: Store, engine: Computing): Promise<string | undefined> {
  const { up, isLowOnDisk } = engine.state();
  if (isLowOnDisk) return "writes nothing: the disk is full";
  if (!up) return engine.whyAway;
  return store.ping().then(
    () => undefined,
    () => "does not answer",
  );
}
