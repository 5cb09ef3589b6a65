import { type ClientRequest, type IncomingMessage, get } from "node:http";

/** One event of a stream; `id` only where it has one. */
export interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}

/** A client of Server-Sent Events that keeps what comes, as `EventSource` would understand it. */
export class EventStream {
  readonly response: IncomingMessage;
  readonly events: StreamEvent[] = [];
  /** What a browser would send as `Last-Event-ID`. */
  lastId = "";
  isEnded = false;
  readonly #request: ClientRequest;
  #rest = "";
  #heard: () => void = () => {};

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    const ended = (): void => ((this.isEnded = true), this.#heard());
    response.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    response.on("end", ended).on("error", ended).on("close", ended);
  }

  /** Opens a stream, or whatever the server answers. */
  static open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
    return new Promise((resolve, reject) => {
      const request = get(url, { headers, agent: false }, (response) => resolve(new EventStream(request, response)));
      request.on("error", reject);
    });
  }

  /** Resolves when so many events are there, or the stream has ended. */
  async until(count: number): Promise<void> {
    while (this.events.length < count && !this.isEnded) await new Promise<void>((resolve) => (this.#heard = resolve));
  }

  /** The messages of all events without a name. */
  messages<Message>(): Message[] {
    return this.events.filter(({ event }) => event === undefined).map(({ data }) => JSON.parse(data) as Message);
  }

  /** Reads nothing, as far as the system lets it. */
  pause(): void {
    this.response.pause();
    this.response.socket.pause();
  }

  resume(): void {
    this.response.socket.resume();
    this.response.resume();
  }

  destroy(): void {
    this.#request.destroy();
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) this.#add(block);
    this.#heard();
  }

  #add(block: string): void {
    const fields = block.split("\n").flatMap((line) => {
      const [, name, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    });
    const { id, event, data } = Object.fromEntries(fields) as Partial<StreamEvent>;
    if (id !== undefined) this.lastId = id;
    if (data === undefined) return;
    this.events.push({ data, ...(id !== undefined && { id }), ...(event !== undefined && { event }) });
  }
}
