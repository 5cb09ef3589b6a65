import { healthRoutes } from "../http/health-routes.ts";
import type { Routes } from "../http/server.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { PartHealth } from "../protocol/status.ts";
import type { Store } from "../store/store.ts";

/** Whatever computes for the store, as far as an operator asks. */
export interface Computing {
  state(): ComputingState;
  /** What is remarkable of it while all is well; undefined: nothing. */
  describe(): string | undefined;
  /** What of its files can't be read any more; undefined: nothing that is known. */
  damage(): string | undefined;
  /** What is to be said of it while it is not up. */
  readonly whyAway: string;
  /** How many questions of users it takes at a time. */
  readonly questionsAtOnce: number;
}

export interface ComputingState {
  readonly up: boolean;
  /** It is up, and gives signs of life. */
  readonly answering: boolean;
  readonly isLowOnDisk: boolean;
  readonly restarts: number;
}

/** Something that a process can't do all of its work without. */
export interface Dependency {
  /** Why it can't be used now, for people; undefined: it can. */
  trouble(): string | undefined | Promise<string | undefined>;
  /** What somebody should look after although it can be used; undefined: nothing. */
  remark?(): string | undefined;
  /** Without it the process can't do what it is asked; without others it goes on with what it knows. */
  readonly isVital: boolean;
}

/** By the names under which `/ready` tells them. */
export type Dependencies = Readonly<Record<string, Dependency>>;

/** `/health`, `/ready` and `/metrics` of each server. */
export function health(metrics: Metrics, dependencies: Dependencies): Routes {
  return healthRoutes({
    metrics: () => metrics.text(),
    ready: async () => {
      const asked = Object.entries(dependencies).map(async ([name, dependency]) => {
        const part = partOf(dependency, await dependency.trouble());
        return { name, isVital: dependency.isVital, part };
      });
      const told = await Promise.all(asked);
      const parts = Object.fromEntries(told.map(({ name, part }) => [name, part]));
      return { ok: told.every(({ isVital, part }) => part.ok || !isVital), parts };
    },
  });
}

/** As it is told of a part. */
export function partOf({ remark }: Dependency, trouble: string | undefined): PartHealth {
  const detail = trouble ?? remark?.();
  return { ok: trouble === undefined, ...(detail === undefined ? {} : { detail }) };
}

export const storeTrouble =
  (store: Store, engine: Computing): Dependency["trouble"] =>
  () =>
    whyStoreIsNotReady(store, engine);

/** Of a process that appends: of others it says nothing. */
export const logTrouble =
  (log: Log): (() => string | undefined) =>
  () => {
    const { accepting, reason } = log.state();
    return accepting ? undefined : (reason ?? "takes no events now");
  };

async function whyStoreIsNotReady(store: Store, engine: Computing): Promise<string | undefined> {
  const { up, isLowOnDisk } = engine.state();
  if (isLowOnDisk) return "writes nothing: the disk is full";
  if (!up) return engine.whyAway;
  return store.ping().then(
    () => undefined,
    () => "does not answer",
  );
}
