import { after, before, describe } from "node:test";
import { startCluster, type Cluster } from "../../support/kafka/cluster.ts";
import { whyNoKafka } from "../../support/kafka/kafka-jars.ts";
import { whyNoFerretDb } from "../../support/mongo/ferretdb.ts";
import { databaseUrl, type MongoServer, startMongo } from "../../support/mongo/mongo-server.ts";
import { unlessMissing } from "../../support/needs.ts";
import { type PlayedShards, type Sharded, startPlayedShards } from "../../support/played-shards.ts";
import type { ServerAccess } from "../../support/server-store.ts";
import { Seat, type Shared, untilDivided } from "../crew.ts";
import type { Stage } from "../stage.ts";

export interface Crew {
  /** Of everything that it has on the servers. */
  readonly installation: string;
  readonly names: readonly string[];
  readonly partitions: number;
  /** The way to the store, where it is not the straight one. */
  readonly store?: ServerAccess & Partial<Sharded>;
  /** The same for the rules' place. */
  readonly mongoUrl?: string;
  readonly args?: readonly string[];
}

/** What a larger installation stands on: a real Kafka, an engine that stands for ClickHouse servers, which share the partitions, and a place for rules. */
export class Stand {
  readonly cluster: Cluster;
  readonly store: PlayedShards;
  readonly mongo: MongoServer;

  readonly #isOurs: boolean;

  private constructor(cluster: Cluster, isOurs: boolean, store: PlayedShards, mongo: MongoServer) {
    [this.cluster, this.#isOurs, this.store, this.mongo] = [cluster, isOurs, store, mongo];
  }

  /** @param given a Kafka that is there already, and goes on when the stand is closed. */
  static async open(given?: Cluster): Promise<Stand> {
    const starting = given === undefined ? startCluster(1) : Promise.resolve(given);
    const [cluster, store, mongo] = await Promise.all([starting, startPlayedShards(), startMongo()]);
    return new Stand(cluster, given === undefined, store, mongo);
  }

  async close(): Promise<void> {
    const own = this.#isOurs ? [this.cluster.stop()] : [];
    await Promise.allSettled([...own, this.store.close(), this.mongo.close()]);
  }

  /** One ClickHouse server, by another way. */
  storeAt(url: string): ServerAccess {
    const { username, password } = this.store;
    return { url, username, password };
  }

  /** Several processes that count one topic together, for as long as `play` takes. What they wrote last is in its errors. */
  async withCrew(stage: Stage, crew: Crew, play: (seats: readonly Seat[]) => Promise<void>): Promise<void> {
    const { installation, names, partitions, store = this.store, args = [] } = crew;
    const mongoUrl = databaseUrl(crew.mongoUrl ?? this.mongo.url);
    const shared: Shared = {
      ...{ brokers: this.cluster.addresses, store, mongoUrl, partitions, sessionMs: 6_000 },
      ...{ installation, args },
    };
    const seats = await Promise.all(names.map((name) => Seat.make(stage, name, shared)));
    try {
      await Promise.all(seats.map((seat) => seat.start()));
      await untilDivided(seats, partitions);
      await play(seats);
    } catch (error) {
      throw new Error(seats.map((seat) => seat.server.output()).join("\n----\n"), { cause: error });
    } finally {
      await Promise.all(seats.map((seat) => seat.close()));
    }
  }
}

/** Tests of a row of the fault matrix on one stand, which is there when they run. */
export function onStand(row: string, tests: (stand: () => Stand) => void): void {
  describe(`${row} on Kafka, a ClickHouse server and MongoDB`, unlessMissing(whyNoKafka ?? whyNoFerretDb()), () => {
    let stand: Stand;
    before(async () => {
      stand = await Stand.open();
    });
    after(() => stand?.close());
    tests(() => stand);
  });
}
