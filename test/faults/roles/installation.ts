import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Balancer, startBalancer } from "../../support/balancer.ts";
import { type Cluster, startCluster } from "../../support/kafka/cluster.ts";
import { type MongoServer, startMongo } from "../../support/mongo/mongo-server.ts";
import { type ServerProcess, endedInOrder, startServer } from "../../support/server-process.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../../support/stand-alone-engine.ts";

export const processes = ["ingest-1", "ingest-2", "processor-1", "query-1", "query-2"] as const;
export type Name = `${"ingest" | "processor" | "query"}-${1 | 2}`;

/** Every role in processes of its own, on a real Kafka, an engine that stands for a ClickHouse server, and a real place of rules. */
export class Installation {
  readonly cluster: Cluster;
  readonly balancer: Balancer;
  readonly #engine: StandAloneEngine;
  readonly #mongo: MongoServer;
  readonly #folder: string;
  stopsInTime = 0;
  readonly #running = new Map<Name, ServerProcess>();

  constructor(cluster: Cluster, engine: StandAloneEngine, mongo: MongoServer, balancer: Balancer, folder: string) {
    [this.cluster, this.#engine, this.#mongo, this.balancer, this.#folder] = [cluster, engine, mongo, balancer, folder];
  }

  static async open(brokers: 1 | 3 = 1): Promise<Installation> {
    const folder = await mkdtemp(join(tmpdir(), "weir-roles-"));
    const balancer = await startBalancer();
    const [cluster, engine, mongo] = await Promise.all([startCluster(brokers), startStandAloneEngine(), startMongo()]);
    return new Installation(cluster, engine, mongo, balancer, folder);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((one) => one.killGroup()));
    await Promise.all([this.cluster.stop(), this.#engine.close(), this.#mongo.close(), this.balancer.close()]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  of(name: Name): ServerProcess {
    const running = this.#running.get(name);
    assert.ok(running, `${name} does not run`);
    return running;
  }

  /** The proxy before those who take events, and one who answers. */
  at(query: "query-1" | "query-2"): { readonly ingestUrl: string; readonly queryUrl: string } {
    return { ingestUrl: this.balancer.url, queryUrl: this.of(query).queryUrl };
  }

  folderOf(name: Name): string {
    return join(this.#folder, name.startsWith("ingest") ? "none" : name);
  }

  async start(name: Name): Promise<void> {
    const role = name.split("-")[0]!;
    const { url, username, password } = this.#engine;
    const shared = ["--clickhouse-url", url, "--clickhouse-user", username, "--mongo-url", this.#mongo.url];
    const { addresses } = this.cluster;
    const topic = ["--kafka-partitions", "3", "--kafka-replication", String(addresses.length)];
    const kafka = ["--kafka-brokers", addresses.join(), ...topic];
    const server = await startServer({
      // Those that keep nothing are given one folder, which they do not touch.
      dataDir: this.folderOf(name),
      // As in crew.ts: the engine's statements would take all of a small machine.
      args: ["--roles", role, ...kafka, ...(role === "ingest" ? [] : shared), "--flush-delay", "800ms"],
      env: role === "ingest" ? {} : { WEIR_CLICKHOUSE_PASSWORD: password },
      readyTimeoutMs: 180_000,
    });
    this.#running.set(name, server);
    this.#balance();
  }

  /** SIGTERM, its end in order, and a start. */
  async restart(name: Name): Promise<void> {
    const server = this.of(name);
    if (await endedInOrder(server)) this.stopsInTime += 1;
    await this.start(name);
  }

  /** kill -9, and a start. */
  async kill(name: Name): Promise<void> {
    await this.of(name).killGroup();
    await this.start(name);
  }

  /** What the processes have written last. */
  output(): string {
    return [...this.#running].map(([name, server]) => `--- ${name}\n${server.output()}`).join("\n");
  }

  #balance(): void {
    const taking = [...this.#running].filter(([name]) => name.startsWith("ingest"));
    this.balancer.use(taking.map(([, { ingestUrl }]) => ingestUrl));
  }
}
