import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { Compile } from "typebox/schema";
import { WebSocket } from "ws";
import { ExactMessage } from "../../src/protocol/live.ts";
import { Assembler } from "./assembler.ts";
import { EventStream } from "./event-stream.ts";

const schema = Compile(ExactMessage);

/** A client of a real server that puts together what it is sent, over a socket or as events, and comes back to where it was. */
export interface LiveWatcher {
  readonly assembler: Assembler;
  /** What came since it connected last. */
  readonly messages: ExactMessage[];
  /** What was wrong with what came, if anything was. */
  readonly mistakes: unknown[];
  /** Code and reason with which the line was ended, but for `drop`, or that it was cut; empty while it is there. */
  readonly end: string;
  /** Goes on where it was; `queryUrl` may be another one than before. */
  connect(queryUrl: string): Promise<void>;
  /** Cuts the line. */
  drop(): void;
  /** Reads nothing, as far as the system lets it. */
  pause(): void;
  resume(): void;
}

abstract class Watching {
  readonly assembler = new Assembler();
  messages: ExactMessage[] = [];
  readonly mistakes: unknown[] = [];
  end = "";

  protected begin(): void {
    this.messages = [];
    this.end = "";
  }

  protected take(text: string): void {
    try {
      const message: unknown = JSON.parse(text);
      if (!schema.Check(message)) throw new Error(`not a message: ${text.slice(0, 1000)}`);
      this.messages.push(message);
      this.assembler.take(message);
    } catch (error) {
      this.mistakes.push(error);
    }
  }
}

export class SocketWatcher extends Watching implements LiveWatcher {
  readonly #rules: readonly string[];
  readonly #more: object;
  #socket: WebSocket | undefined;

  /** `more` goes into the request, e.g. `from`. */
  constructor(rules: readonly string[], more: object) {
    super();
    this.#rules = rules;
    this.#more = more;
  }

  async connect(queryUrl: string): Promise<void> {
    this.begin();
    const socket = new WebSocket(`${queryUrl.replace("http", "ws")}/live-stats`);
    this.#socket = socket;
    socket.on("message", (data) => {
      if (this.#socket === socket) this.take((data as Buffer).toString());
    });
    socket.on("close", (code, reason) => {
      if (this.#socket === socket) this.end = `${code} ${reason.toString()}`;
    });
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("the socket was not opened")));
    });
    const places = this.#rules.map((rule) => [rule, this.assembler.resume(rule)] as const);
    for (const [rule, place] of places) if (place === undefined) this.assembler.subscribe(rule);
    const resume = Object.fromEntries(places.filter(([, place]) => place !== undefined));
    const request = { subscribe_rules: this.#rules, mode: "delta", interval_ms: 50, ...this.#more, resume };
    socket.send(JSON.stringify(request));
  }

  /** Resolves when it has just answered a ping. */
  async pinged(): Promise<void> {
    await once(this.#socket!, "ping");
    await pause(50);
  }

  drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }
}

export class EventWatcher extends Watching implements LiveWatcher {
  readonly #rules: readonly string[];
  #stream: EventStream | undefined;
  #isDropped = false;

  constructor(rules: readonly string[]) {
    super();
    this.#rules = rules;
  }

  async connect(queryUrl: string): Promise<void> {
    this.begin();
    const lastId = this.#stream?.lastId ?? "";
    const query = this.#rules.map((rule) => `rule_id=${encodeURIComponent(rule)}`).join("&");
    const url = `${queryUrl}/live-stats?${query}&interval_ms=50`;
    for (const rule of this.#rules) if (this.assembler.resume(rule) === undefined) this.assembler.subscribe(rule);
    const stream = await EventStream.open(url, lastId === "" ? {} : { "last-event-id": lastId });
    if (stream.response.statusCode !== 200) throw new Error(`${url}: ${stream.response.statusCode}`);
    this.#stream = stream;
    this.#isDropped = false;
    void this.#read(stream);
  }

  drop(): void {
    this.#isDropped = true;
    this.#stream?.destroy();
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  async #read(stream: EventStream): Promise<void> {
    for (let read = 0; !stream.isEnded;) {
      await stream.until(read + 1);
      // Another one is read by now: that this one has ended says nothing of it.
      if (this.#stream !== stream) return;
      // What came with the last bytes of a line that was cut was read too: its id counts.
      for (const { data, event } of stream.events.slice(read))
        if (event === undefined) this.take(data);
        else this.end = endOf(data);
      read = stream.events.length;
    }
    if (!this.#isDropped) this.end ||= "cut";
  }
}

function endOf(data: string): string {
  const { code, reason } = JSON.parse(data) as { code: number; reason: string };
  return `${code} ${reason}`;
}
