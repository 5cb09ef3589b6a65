import { connect, type Socket } from "node:net";

export interface ConnectionEvents {
  /** A whole answer has come; the connection is free again. */
  answered(connection: Connection, status: number, retryAfterSeconds: number | undefined): void;
  /** The connection is lost; a request under way has an unknown outcome. */
  broken(connection: Connection, error: Error): void;
}

/**
 * One keep-alive connection with at most one request under way: as little HTTP as the measured server needs, because
 * the generator shares the processors with it.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  #pending: Buffer | null = null;

  constructor(target: URL, events: ConnectionEvents) {
    this.#events = events;
    this.#socket = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    this.#socket.on("data", (chunk) => this.#read(chunk));
    this.#socket.on("error", (error) => events.broken(this, error));
    this.#socket.on("end", () => events.broken(this, new Error("the server closed the connection")));
  }

  send(request: Buffer): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.removeAllListeners("end");
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    const answer = parseAnswer(bytes);
    this.#pending = answer === null ? bytes : null;
    if (answer !== null) this.#events.answered(this, answer.status, answer.retryAfterSeconds);
  }
}

export interface Answer {
  readonly status: number;
  /** What a refusal advises. */
  readonly retryAfterSeconds?: number;
}

/** The head of a complete answer with a Content-Length; null while part of it is missing. */
export function parseAnswer(bytes: Buffer): Answer | null {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = numberIn(head, /\r\ncontent-length: *(\d+)/i);
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`);
  if (bytes.length < headEnd + 4 + length) return null;
  const status = Number(head.slice(9, 12));
  const retryAfterSeconds = status < 400 ? undefined : numberIn(head, /\r\nretry-after: *(\d+)/i);
  return retryAfterSeconds === undefined ? { status } : { status, retryAfterSeconds };
}

function numberIn(head: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(head)?.[1];
  return found === undefined ? undefined : Number(found);
}
