/** The load generator's process: takes a LoadOrder as its first argument and reports over the channel of its parent. */
import { Durations } from "../lib/latency.ts";
import { Connection } from "./connection.ts";
import type { Acknowledged, LoadCommand, LoadMessage, LoadOrder, LoadResult } from "./protocol.ts";
import { PreparedRequest, shapeEvents } from "./shape.ts";

interface Sending {
  readonly body: number;
  readonly request: PreparedRequest;
  readonly second: number;
  readonly intendedAt: number;
}

const retryMs = 20;

/** Sends prepared requests, counts what is acknowledged. State is here; `pump` decides what is sent when. */
class Load {
  readonly #order: LoadOrder;
  readonly #requests: PreparedRequest[];
  readonly #freeBodies: number[];
  readonly #idle: Connection[] = [];
  readonly #underWay = new Map<Connection, Sending>();
  readonly #acknowledged = new Map<number, number>();
  readonly #refused: Record<string, number> = {};
  readonly #durations = new Durations();
  #sendings = 0;
  #unknown = 0;
  #measuring = false;
  #stopped = false;
  /** Open loop: when the next request should leave, and the time between two. */
  #nextAt = 0;
  #gapMs: number;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#gapMs = order.requestsPerSecond === undefined ? 0 : 1000 / order.requestsPerSecond;
    const { host } = new URL(order.url);
    this.#requests = Array.from(
      { length: order.shape.bodies },
      (_, body) => new PreparedRequest(shapeEvents(order.shape, body), host),
    );
    this.#freeBodies = this.#requests.map((_, body) => body);
  }

  async run(tell: (message: LoadMessage) => void): Promise<LoadResult> {
    for (let index = 0; index < this.#order.connections; index++) this.#connect();
    this.#nextAt = performance.now();
    const pulse = this.#gapMs === 0 ? undefined : setInterval(() => this.#pump(), 1);
    this.#pump();
    await this.#until(this.#order.warmUpSeconds);
    tell({ type: "measuring" });
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    this.#measuring = true;
    await this.#until(this.#order.seconds);
    this.#measuring = false;
    const seconds = (performance.now() - startedAt) / 1000;
    const cpu = process.cpuUsage(cpuBefore);
    this.#stopped = true;
    clearInterval(pulse);
    await this.#finish();
    return this.#result(seconds, (cpu.user + cpu.system) / 1e6);
  }

  command(command: LoadCommand): void {
    if (command.type === "stop") return void (this.#stopped = true);
    this.#gapMs = 1000 / command.requestsPerSecond;
    // What could not be sent at the old rate is given up, or a lower rate would begin with a burst.
    this.#nextAt = Math.max(this.#nextAt, performance.now());
  }

  #connect(): void {
    const connection = new Connection(new URL(this.#order.url), {
      answered: (of, status) => this.#answered(of, status),
      broken: (of, error) => this.#broken(of, error),
    });
    this.#idle.push(connection);
  }

  /** Sends while something is due and a connection and a body are free. */
  #pump(): void {
    while (!this.#stopped && this.#idle.length > 0 && this.#freeBodies.length > 0) {
      const now = performance.now();
      if (this.#gapMs > 0 && this.#nextAt > now) return;
      const intendedAt = this.#gapMs > 0 ? this.#nextAt : now;
      this.#nextAt += this.#gapMs;
      this.#send(this.#idle.pop()!, intendedAt);
    }
  }

  #send(connection: Connection, intendedAt: number): void {
    const body = this.#freeBodies.shift()!;
    const request = this.#requests[body]!;
    const second = Math.floor(Date.now() / 1000);
    request.renew(this.#sendings++, second);
    this.#underWay.set(connection, { body, request, second, intendedAt });
    connection.send(request.bytes);
  }

  #answered(connection: Connection, status: number): void {
    const sending = this.#underWay.get(connection);
    // The server tells a connection that has been idle for long that it closes it.
    if (sending === undefined) return;
    if (status !== 200) return this.#wasRefused(connection, sending, status);
    if (this.#measuring) this.#durations.add(performance.now() - sending.intendedAt);
    const key = sending.second * this.#requests.length + sending.body;
    this.#acknowledged.set(key, (this.#acknowledged.get(key) ?? 0) + 1);
    this.#release(connection, sending);
  }

  /** Refused means not stored: the same bytes are sent again after a pause, and the wait is part of the latency. */
  #wasRefused(connection: Connection, sending: Sending, status: number): void {
    this.#refused[status] = (this.#refused[status] ?? 0) + 1;
    if (this.#stopped) return this.#release(connection, sending);
    setTimeout(() => connection.send(sending.request.bytes), retryMs);
  }

  #release(connection: Connection, sending: Sending): void {
    this.#underWay.delete(connection);
    this.#freeBodies.push(sending.body);
    this.#idle.push(connection);
    this.#pump();
  }

  /** The body of a request of unknown outcome is not used again: the connection's socket may still read it. */
  #broken(connection: Connection, error: Error): void {
    if (this.#stopped && !this.#underWay.has(connection)) return;
    if (this.#underWay.delete(connection) && this.#unknown++ === 0) process.stderr.write(`load: ${error.message}\n`);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (!this.#stopped) setTimeout(() => (this.#connect(), this.#pump()), retryMs);
  }

  async #until(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (!this.#stopped && performance.now() < end) await pause(Math.min(100, end - performance.now()));
  }

  async #finish(): Promise<void> {
    for (let wait = 0; wait < 1000 && this.#underWay.size > 0; wait++) await pause(10);
    this.#unknown += this.#underWay.size;
    for (const connection of [...this.#idle, ...this.#underWay.keys()]) connection.close();
  }

  #result(seconds: number, cpuSeconds: number): LoadResult {
    const bodies = this.#requests.length;
    const acknowledged = Array.from(this.#acknowledged, ([key, n]): Acknowledged => {
      return { second: Math.floor(key / bodies), body: key % bodies, n };
    });
    const requests = this.#durations.count;
    const events = requests * this.#order.shape.eventsPerRequest;
    const latency = this.#durations.summary();
    return {
      seconds,
      requests,
      events,
      latency,
      refused: this.#refused,
      unknown: this.#unknown,
      cpuSeconds,
      acknowledged,
    };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const load = new Load(JSON.parse(process.argv[2] ?? "null") as LoadOrder);
const tell = (message: LoadMessage, sent?: () => void): void =>
  void process.send?.(message, undefined, undefined, () => sent?.());
process.on("message", (command: LoadCommand) => load.command(command));
tell({ type: "done", result: await load.run(tell) }, () => process.disconnect());
