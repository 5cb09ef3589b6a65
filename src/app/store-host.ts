import type { Computing } from "../assembly/health.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../observe/logger.ts";
import type { ConnectionOptions } from "../store/clickhouse/connection.ts";
import { DamageWatch } from "../store/clickhouse/damage-watch.ts";

/** A server that the store is on, or the embedded engine. */
export interface StoreServer {
  readonly connection: ConnectionOptions;
  /** Of one of several: how all of them are read by it. */
  readonly whole?: ConnectionOptions;
  readonly damages: DamageWatch;
  /** How often it was there again. */
  readonly restarts: () => number;
}

/** What the store is on: a child of ours, a server that somebody else runs, or several of them that share the partitions. */
export interface StoreHost extends Computing {
  /** At least one. */
  readonly servers: readonly StoreServer[];
  damagedParts(): number;
  /** Calls `listener` whenever nothing of a server is damaged any more, as far as is known. */
  onMended(listener: () => void): void;
}

export interface StoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  /** Ends the waiting for a server that is not there. */
  readonly signal?: AbortSignal;
}

export const requestTimeoutMs = 300_000;

/** What is the same of all of them. */
export const hostOf = (
  servers: readonly StoreServer[],
): Pick<StoreHost, "servers" | "damage" | "damagedParts" | "onMended"> => ({
  servers,
  damage: () => joined(servers.map(({ damages }) => damages.describe())),
  damagedParts: () => servers.reduce((all, { damages }) => all + damages.count, 0),
  onMended: (listener) => {
    for (const { damages } of servers) damages.onMended(listener);
  },
});

export const joined = (texts: readonly (string | undefined)[]): string | undefined => {
  const told = texts.filter((text) => text !== undefined);
  return told.length === 0 ? undefined : told.join("; ");
};

export const damageWatch = (logger: Logger): DamageWatch =>
  new DamageWatch({ log: (level, message, facts) => logger[level]({ part: "store", damaged: facts }, message) });
