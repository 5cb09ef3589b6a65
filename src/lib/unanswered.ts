import { subscribe } from "node:diagnostics_channel";
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * How many requests of one connection may wait for their answers. Who sends one after the other has one; node begins with
 * all that have come, and what is answered early waits in memory for what stands in front of it.
 */
export const unansweredMax = 32;

const lines = new WeakMap<Socket, Line>();

/** An answer is owed from now on: ended with its connection, which is cut when it owes too many. Called with each request of a server. */
export function owe(socket: Socket, response: ServerResponse, max = unansweredMax): void {
  lineOf(socket, max).add(response);
}

/** Whether an answer of the connection is still owed or on its way. */
export const owesAnswers = (socket: Socket): boolean => lines.get(socket)?.first !== undefined;

/**
 * For a connection on which something has come that can't be answered: ends it behind the last answer to a request that had come as a
 * whole. Answers whether one is owed.
 */
export const endBehindAnswers = (socket: Socket): boolean => lines.get(socket)?.endBehindAnswers() ?? false;

/**
 * A connection that takes nothing of its answer for so long is cut; one that waits for us (a long poll) is not. When one has
 * been idle for the time that it may, node asks here, too.
 */
export function dropStalledReaders(server: Server, timeoutMs: number): void {
  server.setTimeout(timeoutMs, (socket) => {
    if (socket.writableLength > 0 || isIdle(socket)) socket.destroy();
  });
}

/** Whether it has answered all that it was asked. */
const isIdle = (socket: Socket): boolean => lines.has(socket) && !owesAnswers(socket);

/** Whether nothing stands before an answer of the connection. */
export const isFirst = (socket: Socket, response: ServerResponse): boolean => lines.get(socket)?.first === response;

/** An answer without end: nothing that is asked behind it on its connection would ever be answered. */
export function isEndless(socket: Socket, response: ServerResponse): void {
  lines.get(socket)?.endWith(response);
}

/** Calls when an answer has been handed to the system, or never will be; once. Of one whose client has gone node says nothing any more. */
export function whenOver(response: ServerResponse, over: () => void): void {
  if (response.destroyed) return over();
  let isOver = false;
  const tell = (): void => {
    if (isOver) return;
    isOver = true;
    over();
  };
  // Mostly both come, and the one may even be told from within the other.
  response.once("finish", tell).once("close", tell);
}

/** Aborts when the client has gone, or its answer. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once("close", () => gone.abort());
  return gone.signal;
}

/** The answers that a connection waits for, in the order of their requests. */
class Line {
  /** Few, so that no Set is needed, which would leave a trail (see `Crowd`). */
  readonly #waiting: ServerResponse[] = [];
  readonly #socket: Socket;
  readonly #max: number;
  #endless: ServerResponse | undefined;

  constructor(socket: Socket, max: number) {
    this.#socket = socket;
    this.#max = max;
    // When a connection is to become something else (CONNECT, WebSocket) node forgets what waits on it behind the first answer.
    socket.once("close", () => [...this.#waiting].forEach((response) => response.destroy()));
  }

  get first(): ServerResponse | undefined {
    return this.#waiting[0];
  }

  add(response: ServerResponse): void {
    if (this.#waiting.includes(response)) return;
    this.#waiting.push(response);
    whenOver(response, () => this.#waiting.splice(this.#waiting.indexOf(response), 1));
    if (this.#isHeld || this.#waiting.length > this.#max) this.#socket.destroy();
  }

  endWith(response: ServerResponse): void {
    this.#endless = response;
    if (this.#waiting.at(-1) !== response) this.#socket.destroy();
  }

  endBehindAnswers(): boolean {
    const last = this.#waiting.findLast(({ req }) => req.complete);
    if (last === undefined) return false;
    last.shouldKeepAlive = false;
    whenOver(last, () => this.#socket.destroySoon());
    return true;
  }

  get #isHeld(): boolean {
    return this.#endless !== undefined && this.#waiting.includes(this.#endless);
  }
}

function lineOf(socket: Socket, max: number): Line {
  const line = lines.get(socket) ?? new Line(socket, max);
  lines.set(socket, line);
  return line;
}

// Node answers some requests by itself (without a Host, say), of which the framework does not hear; they wait all the same.
subscribe("http.server.request.start", (message) => {
  const { socket, response } = message as { readonly socket: Socket; readonly response: ServerResponse };
  lines.get(socket)?.add(response);
});
