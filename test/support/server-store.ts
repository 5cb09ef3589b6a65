import { randomUUID } from "node:crypto";
import { systemClock } from "../../src/lib/clock.ts";
import { Claims } from "../../src/store/clickhouse/claims.ts";
import { ClickHouseStore } from "../../src/store/clickhouse/clickhouse-store.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { serverFacts } from "../../src/store/clickhouse/facts.ts";

export interface ServerAccess {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** The authority that is trusted for https. */
  readonly ca?: Buffer | undefined;
}

export interface ServerStore {
  readonly store: ClickHouseStore;
  readonly connection: Connection;
  readonly claims: Claims;
}

/** A store on a server, as a process of its own has it. `claimed: false` is one that does not know of claims: a canary. */
export function serverStore(
  { url, username, password, ca }: ServerAccess,
  database: string,
  { claimed = true, requestTimeoutMs = 60_000, waiting = () => {} }: Partial<StoreOptions> = {},
): ServerStore {
  const facts = serverFacts();
  const shared = { url: () => url, username, password, database, requestTimeoutMs, newId: randomUUID };
  const connection = new Connection({ ...shared, facts, ...(ca === undefined ? {} : { ca }) });
  const where = { database, cluster: facts.cluster };
  const claims = new Claims({ connection, clock: systemClock, writer: randomUUID(), where, waiting });
  const store = new ClickHouseStore({ connection, clock: systemClock, ...(claimed ? { claims } : {}) });
  return { store, connection, claims };
}

interface StoreOptions {
  readonly claimed: boolean;
  readonly requestTimeoutMs: number;
  readonly waiting: () => void;
}
