import { randomUUID } from "node:crypto";
import { systemClock } from "../../src/lib/clock.ts";
import { Claims } from "../../src/store/clickhouse/claims.ts";
import { ClickHouseStore } from "../../src/store/clickhouse/clickhouse-store.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { type Shard, serverFacts } from "../../src/store/clickhouse/facts.ts";
import { wholeOf } from "../../src/store/clickhouse/whole.ts";

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
  { claimed = true, requestTimeoutMs = 60_000, waiting = () => {}, shard = null }: Partial<StoreOptions> = {},
): ServerStore {
  const facts = serverFacts(null, shard);
  const shared = { url: () => url, username, password, database, requestTimeoutMs, newId: randomUUID };
  const options = { ...shared, facts, ...(shard === null ? {} : { whole: wholeOf(database) }), ...(ca && { ca }) };
  const connection = new Connection(options);
  const where = { database, cluster: facts.cluster };
  const claims = new Claims({ connection, clock: systemClock, writer: randomUUID(), where, waiting });
  const whole = shard === null ? {} : { whole: new Connection({ ...options, database: wholeOf(database) }) };
  const store = new ClickHouseStore({ connection, clock: systemClock, ...(claimed ? { claims } : {}), ...whole });
  return { store, connection, claims };
}

interface StoreOptions {
  readonly claimed: boolean;
  readonly requestTimeoutMs: number;
  readonly waiting: () => void;
  /** Of several servers. */
  readonly shard: Shard | null;
}
