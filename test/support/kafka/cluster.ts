import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@platformatic/kafka";
import { keptPorts } from "../kept-ports.ts";
import { type Programs, format, formattedAs } from "./formatted.ts";
import { kafka } from "./kafka-jars.ts";

/** One broker: a process of its own, which may be killed and started again on what it has left. */
export interface Broker {
  readonly address: string;
  /** The port of a door. */
  doorPort(name: string): number;
  /** Ends it as a power cut would. Resolves when it has gone. */
  kill(): Promise<void>;
  /** Starts it on its old folder and ports. Resolves when the process runs; `ready` says when it can be used. */
  start(): Promise<void>;
  /** Holds it, as a machine that hangs does; `signal("SIGCONT")` lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

/** A way into a broker besides the open one: what it speaks, and the settings that only it has. */
export interface Door {
  readonly name: string;
  readonly protocol: "SASL_PLAINTEXT" | "SSL" | "SASL_SSL";
  readonly settings: Readonly<Record<string, string>>;
}

export interface ClusterOptions {
  readonly doors?: readonly Door[];
  /** More arguments of the tool that formats a broker's folder. */
  readonly format?: readonly string[];
}

/** A real Apache Kafka in temporary folders, on loopback, that is gone when the test is. */
export interface Cluster {
  readonly brokers: readonly Broker[];
  /** For clients. */
  readonly addresses: readonly string[];
  /** Resolves when all brokers (or so many of them) are part of the cluster and answer. */
  ready(count?: number): Promise<void>;
  stop(): Promise<void>;
}

const startsMax = 3;

/** Starts so many brokers as one cluster, each of them a controller as well. Resolves when it can be used. */
export async function startCluster(count: 1 | 3, options: ClusterOptions = {}): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    const cluster = await newCluster(count, options);
    try {
      for (const broker of cluster.brokers) await broker.start();
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster.stop();
      // Another program may have been quicker to take a port.
      if (attempt === startsMax) throw error;
    }
  }
}

async function newCluster(count: number, options: ClusterOptions): Promise<RealCluster> {
  const dir = await mkdtemp(join(tmpdir(), "weir-kafka-"));
  const programs = await kafka();
  const { doors = [] } = options;
  const ports = await keptPorts((2 + doors.length) * count);
  const next = (): number => ports.pop()!;
  const nodes = Array.from({ length: count }, (_, i) => ({
    ...{ id: i + 1, port: next(), voter: next() },
    doors: doors.map((door) => ({ ...door, port: next() })),
  }));
  const brokers = nodes.map((node) => new RealBroker(join(dir, `broker-${node.id}`), programs, node, nodes, options));
  await Promise.all(brokers.map((broker) => broker.prepare()));
  return new RealCluster(dir, brokers);
}

interface Node {
  readonly id: number;
  readonly port: number;
  /** Where the controllers talk to each other. */
  readonly voter: number;
  readonly doors: readonly (Door & { readonly port: number })[];
}

class RealCluster implements Cluster {
  readonly brokers: readonly RealBroker[];
  readonly #dir: string;

  constructor(dir: string, brokers: readonly RealBroker[]) {
    this.#dir = dir;
    this.brokers = brokers;
  }

  get addresses(): readonly string[] {
    return this.brokers.map(({ address }) => address);
  }

  async ready(count = this.brokers.length): Promise<void> {
    const admin = new Admin({
      clientId: "test",
      bootstrapBrokers: [...this.addresses],
      retries: 0,
      connectTimeout: 500,
    });
    try {
      const deadline = performance.now() + 300_000;
      for (let last: unknown; !(await this.#answers(admin, count).catch((error: unknown) => void (last = error)));) {
        const dead = this.brokers.find((broker) => broker.hasEnded);
        if (dead !== undefined) throw new Error(`a broker has ended:\n${await dead.lastWords()}`);
        if (performance.now() > deadline) throw new Error("Kafka does not become ready", { cause: last });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    } finally {
      await admin.close();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.kill()));
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #answers(admin: Admin, count: number): Promise<boolean> {
    const { brokers } = await admin.metadata({ topics: [], forceUpdate: true });
    return brokers.size >= count;
  }
}

class RealBroker implements Broker {
  readonly #dir: string;
  readonly #programs: Programs;
  readonly #node: Node;
  readonly #all: readonly Node[];
  readonly #options: ClusterOptions;
  #process: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  /** It has ended without being asked to. */
  hasEnded = false;

  constructor(dir: string, programs: Programs, node: Node, all: readonly Node[], options: ClusterOptions) {
    this.#options = options;
    this.#dir = dir;
    this.#programs = programs;
    this.#node = node;
    this.#all = all;
  }

  get address(): string {
    return `127.0.0.1:${this.#node.port}`;
  }

  doorPort(name: string): number {
    return this.#node.doors.find((door) => door.name === name)!.port;
  }

  async prepare(): Promise<void> {
    const file = `${this.#dir}.properties`;
    await writeFile(file, this.#properties());
    if (this.#options.format !== undefined) return format(this.#programs.java, file, this.#options.format);
    await formattedAs(this.#node.id, this.#dir, this.#programs);
  }

  async start(): Promise<void> {
    this.hasEnded = false;
    const log = createWriteStream(`${this.#dir}.log`, { flags: "a" });
    const args = [...this.#programs.java, "kafka.Kafka", `${this.#dir}.properties`];
    const child = spawn("java", args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.pipe(log);
    child.stderr.pipe(log, { end: false });
    this.#process = child;
    this.#gone = new Promise((resolve) =>
      child.once("exit", () => {
        this.hasEnded = this.#process === child;
        resolve();
      }),
    );
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    child?.kill("SIGKILL");
    await this.#gone;
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
  }

  async lastWords(): Promise<string> {
    return (await readFile(`${this.#dir}.log`, "utf8")).slice(-3000);
  }

  #properties(): string {
    const { id, port, voter, doors } = this.#node;
    const listeners = doors.map((door) => `,${door.name}://127.0.0.1:${door.port}`).join("");
    const copies = this.#all.length;
    return Object.entries({
      "process.roles": "broker,controller",
      "node.id": id,
      "controller.quorum.voters": this.#all.map((each) => `${each.id}@127.0.0.1:${each.voter}`).join(","),
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${voter}${listeners}`,
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}${listeners.replaceAll("127.0.0.1", "localhost")}`,
      ...(doors.length > 0 ? { "listener.security.protocol.map": protocolsOf(doors) } : {}),
      ...Object.fromEntries(doors.flatMap(({ name, settings }) => settingsOf(name, settings))),
      "controller.listener.names": "CONTROLLER",
      "log.dirs": this.#dir,
      "auto.create.topics.enable": false,
      "group.initial.rebalance.delay.ms": 0,
      "offsets.topic.num.partitions": 4,
      "offsets.topic.replication.factor": copies,
      "transaction.state.log.num.partitions": 4,
      "transaction.state.log.replication.factor": copies,
      "transaction.state.log.min.isr": Math.min(2, copies),
      // A broker that was killed is missed after three seconds instead of nine; a busy machine may hold one for a second.
      "broker.session.timeout.ms": 3000,
      "broker.heartbeat.interval.ms": 250,
      // A member that died is missed soon.
      "group.min.session.timeout.ms": 500,
      // Retention is looked at often, so that a test can wait for it.
      "log.retention.check.interval.ms": 1000,
    })
      .map(([key, value]) => `${key}=${value}`)
      .join("\n");
  }
}

const protocolsOf = (doors: readonly Door[]): string =>
  ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", ...doors.map(({ name, protocol }) => `${name}:${protocol}`)].join(
    ",",
  );

const settingsOf = (door: string, settings: Door["settings"]): [string, string][] =>
  Object.entries(settings).map(([key, value]) => [`listener.name.${door.toLowerCase()}.${key}`, value]);
