import {
  type Collection,
  type Db,
  type DbOptions,
  type Document,
  MongoClient,
  type MongoClientOptions,
  ReadConcern,
} from "mongodb";
import { messageOf, WeirError } from "../lib/errors.ts";

const clientOptions: MongoClientOptions = {
  appName: "weir",
  retryReads: true,
  retryWrites: true,
  serverSelectionTimeoutMS: 3000,
  connectTimeoutMS: 3000,
  socketTimeoutMS: 15_000,
  waitQueueTimeoutMS: 3000,
  heartbeatFrequencyMS: 2000,
  // Not long after it is there again.
  minHeartbeatFrequencyMS: 100,
  maxPoolSize: 10,
};

const databaseDefault = "weir";

/**
 * Given to the database, they go before what the address says (given to the client, some don't): less would lose what was
 * answered, or read what is undone.
 */
const durable: DbOptions = {
  writeConcern: { w: "majority", journal: true },
  readConcern: new ReadConcern("majority"),
  readPreference: "primary",
};

/** The line to a server. It can be laid anew, for those who ask it for their collections before each use. */
export class MongoServer {
  readonly #url: string;
  #client: MongoClient;

  constructor(url: string) {
    this.#url = url;
    this.#client = new MongoClient(url, clientOptions);
  }

  collection<T extends Document>(name: string): Collection<T> {
    return databaseOf(this.#client, this.#url).collection<T>(name);
  }

  hello(): Promise<Record<string, unknown>> {
    return this.#client.db("admin").command({ hello: 1 });
  }

  /**
   * Begins again from nothing. For when it has not answered for long: a client whose own watch over the server hangs does
   * not find it again by itself.
   */
  renew(): void {
    const old = this.#client;
    this.#client = new MongoClient(this.#url, clientOptions);
    old.close().catch(() => {});
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** @throws WeirError `invalid_config` when the driver can't read the address. What it says of it is never with a password. */
export function serverAt(url: string, place: string): MongoServer {
  try {
    return new MongoServer(url);
  } catch (error) {
    const said = messageOf(error);
    // The driver may quote the address, or a part of it.
    const why = said.includes("//") || /unescaped|malformed/i.test(said) ? escapes : said;
    throw new WeirError("invalid_config", `the address of MongoDB, ${place}, can't be used: ${why}`);
  }
}

const escapes = "write signs such as @ : / ? % in user and password as %40 %3A %2F %3F %25";

/** The database that the address names; the driver would take `test` where it names none. */
export function databaseOf(client: MongoClient, url: string): Db {
  const isNamed = /^[^:]+:\/\/[^/]+\/([^?]+)/.test(url);
  return client.db(isNamed ? undefined : databaseDefault, durable);
}
