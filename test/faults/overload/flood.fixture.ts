/** Clients in a process of their own that send all the time, whatever they are answered. Takes a FloodOrder. */
import { Durations } from "../../../bench/lib/latency.ts";
import { Connection } from "../../../bench/load/connection.ts";
import { PreparedRequest, shapeEvents } from "../../../bench/load/shape.ts";
import type { FloodOrder, FloodResult } from "./order.ts";

interface Sending {
  readonly body: number;
  readonly second: number;
  readonly sentAt: number;
}

const reconnectMs = 50;
const lastAnswersMs = 20_000;

class Flood {
  readonly #order: FloodOrder;
  readonly #requests: readonly PreparedRequest[];
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #freeBodies: number[];
  readonly #underWay = new Map<Connection, Sending>();
  readonly #acknowledged = new Map<string, { second: number; body: number; n: number }>();
  readonly #refused: Record<string, number> = {};
  readonly #advised: Record<string, number> = {};
  readonly #durations = new Durations();
  #sendings = 0;
  #unknown = 0;
  #stopped = false;
  #startedAt = 0;

  constructor(order: FloodOrder) {
    this.#order = order;
    const { host } = new URL(order.url);
    this.#requests = Array.from(
      { length: order.shape.bodies },
      (_, body) => new PreparedRequest(shapeEvents(order.shape, body), host),
    );
    this.#freeBodies = [...this.#requests.keys()];
  }

  async run(): Promise<FloodResult> {
    this.#startedAt = performance.now();
    for (let index = 0; index < this.#order.connections; index++) this.#connect();
    const pulse = setInterval(() => this.#pump(), 2);
    await pause(this.#order.seconds * 1000);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    this.#stopped = true;
    clearInterval(pulse);
    const end = performance.now() + lastAnswersMs;
    while (this.#underWay.size > 0 && performance.now() < end) await pause(20);
    this.#unknown += this.#underWay.size;
    for (const connection of this.#all) connection.close();
    return {
      seconds,
      latency: this.#durations.summary(),
      acknowledged: [...this.#acknowledged.values()],
      acknowledgedRequests: this.#durations.count,
      refused: this.#refused,
      advised: this.#advised,
      unknown: this.#unknown,
    };
  }

  #connect(): void {
    const connection = new Connection(new URL(this.#order.url), {
      answered: (of, status, retryAfterSeconds) => this.#answered(of, status, retryAfterSeconds),
      broken: (of) => this.#broken(of),
    });
    this.#all.add(connection);
    this.#idle.push(connection);
  }

  #pump(): void {
    const isFree = (): boolean => !this.#stopped && this.#idle.length > 0 && this.#freeBodies.length > 0;
    while (isFree() && this.#isDue()) this.#send(this.#idle.pop()!);
  }

  #isDue(): boolean {
    const { requestsPerSecond, forEachTaken } = this.#order;
    if (requestsPerSecond === 0) return true;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return this.#sendings < requestsPerSecond * seconds + forEachTaken * this.#durations.count;
  }

  #send(connection: Connection): void {
    const body = this.#freeBodies.shift()!;
    const second = Math.floor(Date.now() / 1000);
    const request = this.#requests[body]!;
    request.renew(this.#sendings++, second);
    this.#underWay.set(connection, { body, second, sentAt: performance.now() });
    connection.send(request.bytes);
  }

  #answered(connection: Connection, status: number, retryAfterSeconds: number | undefined): void {
    const sending = this.#underWay.get(connection);
    if (sending === undefined) return;
    this.#underWay.delete(connection);
    if (status === 200) this.#acknowledge(sending);
    else {
      count(this.#refused, status);
      count(this.#advised, retryAfterSeconds ?? "none");
    }
    this.#freeBodies.push(sending.body);
    const waits = status !== 200 && this.#order.obeys;
    after(waits ? (retryAfterSeconds ?? 0) * 1000 : 0, () => this.#free(connection));
  }

  #free(connection: Connection): void {
    this.#idle.push(connection);
    this.#pump();
  }

  #acknowledge({ body, second, sentAt }: Sending): void {
    this.#durations.add(performance.now() - sentAt);
    const key = `${second} ${body}`;
    const known = this.#acknowledged.get(key);
    if (known) known.n += 1;
    else this.#acknowledged.set(key, { second, body, n: 1 });
  }

  /** Its body is not used again: the socket may still read it. */
  #broken(connection: Connection): void {
    connection.close();
    if (this.#underWay.delete(connection)) this.#unknown += 1;
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (!this.#stopped) setTimeout(() => (this.#connect(), this.#pump()), reconnectMs);
  }
}

function after(ms: number, run: () => void): void {
  if (ms > 0) setTimeout(run, ms);
  else run();
}

function count(counts: Record<string, number>, key: string | number): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const result = await new Flood(JSON.parse(process.argv[2] ?? "null") as FloodOrder).run();
process.send?.(result, undefined, undefined, () => process.disconnect());
