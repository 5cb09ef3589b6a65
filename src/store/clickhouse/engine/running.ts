import type { Clock } from "../../../lib/clock.ts";
import { EngineException } from "./exception.ts";

/** One request that is under way: waiting, receiving its data, or in the engine. */
export interface Run {
  readonly signal: AbortSignal;
  /** Whether the engine has it now, so that cancelling means asking the engine. */
  setInEngine(inEngine: boolean): void;
  /** To be called when nothing of it is under way any more. */
  end(): void;
}

interface Entry {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  inEngine: boolean;
}

const killedMax = 10_000;
const askAgainMs = 50;

/**
 * The requests under way, by query id. A kill is final: it resolves when the request has ended, and a request of that
 * id that arrives later (its bytes may still lie in a socket) is refused. So a caller that has lost an answer knows
 * after a kill that nothing will be written any more.
 */
export class Running {
  readonly #entries = new Map<string, Entry>();
  readonly #killed = new Set<string>();
  readonly #clock: Clock;
  readonly #cancel: (id: string) => Promise<void>;

  constructor(clock: Clock, cancel: (id: string) => Promise<void>) {
    this.#clock = clock;
    this.#cancel = cancel;
  }

  /** Throws QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, and QUERY_WAS_CANCELLED for an id that was killed. */
  begin(id: string): Run {
    if (this.#killed.has(id)) throw cancelled();
    if (this.#entries.has(id)) {
      throw new EngineException("QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", `Query with id = ${id} is already running.`);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry: Entry = { abort: new AbortController(), ended: promise, inEngine: false };
    this.#entries.set(id, entry);
    return {
      signal: entry.abort.signal,
      setInEngine: (inEngine) => {
        entry.inEngine = inEngine;
      },
      end: () => {
        this.#entries.delete(id);
        resolve();
      },
    };
  }

  /** Whether something of that id was under way. Resolves when it is so no more. */
  async kill(id: string): Promise<boolean> {
    this.#remember(id);
    return this.stop(id);
  }

  /** As `kill`, but the id may come again. */
  async stop(id: string): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (!entry) return false;
    entry.abort.abort(cancelled());
    let ended = false;
    void entry.ended.then(() => (ended = true));
    while (!ended) {
      // A statement is not yet in the engine's list for a moment after it was handed over: so it is asked again.
      if (entry.inEngine) await this.#cancel(id);
      await Promise.race([entry.ended, this.#clock.sleep(askAgainMs)]);
    }
    return true;
  }

  /** How many are under way. */
  get size(): number {
    return this.#entries.size;
  }

  #remember(id: string): void {
    this.#killed.add(id);
    const [oldest] = this.#killed;
    if (this.#killed.size > killedMax && oldest !== undefined) this.#killed.delete(oldest);
  }
}

function cancelled(): EngineException {
  return new EngineException("QUERY_WAS_CANCELLED", "Query was cancelled.");
}
