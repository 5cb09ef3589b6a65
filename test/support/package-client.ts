import { LiveLine } from "../../client/src/live/live-line.ts";
import type { Follower } from "../../client/src/live/follower.ts";
import { socketCarrier } from "../../client/src/live/socket-carrier.ts";
import type { Socket, Surroundings } from "../../client/src/surroundings.ts";
import type { Client } from "../../src/live/client.ts";
import type { LiveConnection } from "../../src/live/hub.ts";
import type { Watch } from "./exact-client.ts";
import type { MakeClient, WorldClient } from "./exact-world.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** `Surroundings.after` on a clock of a test. */
export const afterOn =
  (clock: SimulatedClock): Surroundings["after"] =>
  (ms, run) => {
    const cancelled = new AbortController();
    void clock.sleep(ms, cancelled.signal).then(() => (cancelled.signal.aborted ? undefined : run()));
    return () => cancelled.abort();
  };

const openMs = 1;
const pace = { firstMs: 60, mostMs: 400, openMs: 2000, silenceMs: 20_000, lingerMs: 500 };

/** A socket in memory. What it was sent waits until somebody reads. */
class MemorySocket implements Socket, Client {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly inbox: string[] = [];
  readonly #connection: LiveConnection | undefined;
  #isEnded = false;

  constructor(connect: ((client: Client) => LiveConnection) | undefined, after: Surroundings["after"]) {
    this.#connection = connect?.(this);
    after(openMs, () => (this.#connection ? this.onopen?.(undefined as never) : this.end()));
  }

  /** Both of the browser's and of the server's side: by the server its messages, by the client its requests. */
  send(text: string): void {
    if (text.startsWith('{"type":')) this.inbox.push(text);
    else this.#connection?.receive(text);
  }

  bufferedBytes(): number {
    return this.inbox.reduce((sum, text) => sum + text.length, 0);
  }

  close(): void {
    this.end();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.inbox.splice(0);
    this.#connection?.closed();
    this.onclose?.({ code: 1006, reason: "" });
  }
}

/** The live machine of the package as a client of the simulated world. */
export const packageClient: MakeClient = (connect, clock) => new PackageClient(connect, clock);

class PackageClient implements WorldClient {
  readonly watches = new Map<string, Watch>();
  readonly messages: object[] = [];
  readonly #line: LiveLine;
  readonly #followers = new Map<string, Follower>();
  #socket: MemorySocket | undefined;
  #isUp = false;

  constructor(connect: (client: Client) => LiveConnection, clock: SimulatedClock) {
    const after = afterOn(clock);
    const openSocket = (): Socket => (this.#socket = new MemorySocket(this.#isUp ? connect : undefined, after));
    this.#line = new LiveLine(socketCarrier("", openSocket), { after, random: () => 0.5 }, pace);
  }

  /** What a subscriber is told is true, where it is told to be. */
  readonly assembler: WorldClient["assembler"] = {
    from: (ruleId) => this.#live(ruleId)?.from,
    rows: (ruleId) => this.#live(ruleId)?.rows.map((row) => row as never),
  };

  #live(ruleId: string): Follower["state"] | undefined {
    const state = this.#followers.get(ruleId)?.state;
    return state?.status === "live" ? state : undefined;
  }

  watch(ruleId: string, watch: Watch): void {
    this.unwatch(ruleId);
    this.watches.set(ruleId, watch);
    const { interval_ms: intervalMs, from } = watch;
    this.#followers.set(ruleId, this.#line.watch({ rule: ruleId, intervalMs, from }));
  }

  unwatch(ruleId: string): void {
    const follower = this.#followers.get(ruleId);
    if (follower) this.#line.unwatch(follower);
    this.#followers.delete(ruleId);
    this.watches.delete(ruleId);
  }

  connect(): void {
    this.#isUp = true;
  }

  drop(): void {
    this.#isUp = false;
    this.#socket?.end();
  }

  read(count = Infinity): void {
    const socket = this.#socket;
    for (let left = count; left > 0 && socket?.inbox[0] !== undefined; left--) {
      const data = socket.inbox.shift()!;
      if (this.messages.push(JSON.parse(data) as object) > 20) this.messages.shift();
      socket.onmessage?.({ data });
    }
    for (const [ruleId, { isOver }] of this.#followers) if (isOver) this.unwatch(ruleId);
  }

  /** A line loses nothing; were it to, a client would notice at the next delta or heartbeat. */
  lose(): void {
    const at = this.#socket?.inbox.findIndex((text) => /^\{"type":"(?:delta|heartbeat)"/.test(text)) ?? -1;
    if (at >= 0) this.#socket?.inbox.splice(at, 1);
  }
}
