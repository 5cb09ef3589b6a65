import { Turns } from "../../lib/turns.ts";
import { unlessAborted } from "../../lib/unless-aborted.ts";
import type { Settings } from "./facts.ts";
import type { Expected } from "./unanswered.ts";

/** What a request is made with. */
export interface Asked {
  readonly query_id: string;
  readonly clickhouse_settings: Settings;
  readonly abort_signal: AbortSignal;
}

/** A request that is being made. */
export interface Call {
  /** The comment is where the engine's list of what runs shows our own name for it. */
  asked(settings: Settings): Asked;
  /** Reads the body of an answer whose head is there. The client has let go of the signal by then, so that it is cut off here. */
  read<T>(answer: Closable, read: () => Promise<T>): Promise<T>;
}

interface Closable {
  close(): void;
}

export interface Request {
  readonly id: string;
  /** What it carries. */
  readonly bytes: number;
  /** Any of these ends the wait for its turn and for its answer. */
  readonly ends: readonly AbortSignal[];
}

/** Requests of one kind: so many at a time, so that none that is expected to be answered waits for a socket. */
export class Calls {
  readonly #turns: Turns;
  readonly #expect: ((id: string, bytes: number) => Expected) | undefined;

  constructor(atOnce: number, expect: ((id: string, bytes: number) => Expected) | undefined) {
    this.#turns = new Turns(atOnce);
    this.#expect = expect;
  }

  async make<T>({ id, bytes, ends }: Request, run: (call: Call) => Promise<T>): Promise<T> {
    const ended = AbortSignal.any([...ends]);
    const end = await this.#turns.take(ended);
    const expected = this.#expect?.(id, bytes);
    const signal = expected === undefined ? ended : AbortSignal.any([ended, expected.signal]);
    try {
      signal.throwIfAborted();
      return await unlessAborted(run(callOf(id, signal, expected)), signal, givenUp);
    } catch (error) {
      throw expected?.signal.aborted === true ? new Error("its answer got lost on the way") : error;
    } finally {
      expected?.end();
      end();
    }
  }
}

const callOf = (id: string, abort_signal: AbortSignal, expected: Expected | undefined): Call => ({
  asked: (settings) => ({ query_id: id, clickhouse_settings: { ...settings, log_comment: id }, abort_signal }),
  read: async (answer, read) => {
    expected?.heard();
    const close = (): void => answer.close();
    abort_signal.addEventListener("abort", close, { once: true });
    try {
      return await read();
    } finally {
      abort_signal.removeEventListener("abort", close);
    }
  },
});

/** Of a call whose signal aborts, whatever the client makes of that. */
const givenUp = (): Error => new Error("nobody waits for it any more");
