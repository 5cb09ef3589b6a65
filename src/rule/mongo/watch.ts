import type { Clock } from "../../lib/clock.ts";
import { Renewal } from "../../mongo/renewal.ts";
import type { ChangeLog } from "./change-log.ts";

const pollMs = 500;
const streamAgainMs = 10_000;

export type Report = (message: string, error?: unknown) => void;

export interface WatchDeps {
  readonly log: Pick<ChangeLog, "watch">;
  readonly clock: Clock;
  /** Whether there is a change after `seen`. */
  readonly isChanged: () => Promise<boolean>;
  /** The newest change that this process knows. */
  readonly revision: () => number;
  /** Lays the line to the server anew. */
  readonly renew: () => void;
  readonly report: Report;
}

/**
 * Tells of changes, also those of others: at once where the server has change streams, and by asking for the next number twice a
 * second in any case, as a stream may stand still unnoticed. The same question tells whether the server is there.
 */
export class Watch {
  readonly #deps: WatchDeps;
  readonly #watchers = new Set<() => void>();
  #seen = 0;
  #trouble: unknown;
  readonly #renewal: Renewal;
  #asking: Promise<void> | undefined;
  #again = false;
  #stopPolling: (() => void) | undefined;
  #stream: { close(): Promise<void> } | undefined;
  #streamEnd = new AbortController();

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#renewal = new Renewal(deps.clock, () => this.#watchers.size > 0 && deps.renew());
  }

  /** The newest change that watchers were told of. */
  get seen(): number {
    return this.#seen;
  }

  /** Why the server could not be asked the last time; undefined while it answers, or nobody watches. */
  get trouble(): unknown {
    return this.#trouble;
  }

  add(changed: () => void): () => void {
    // Each watch is one listener, also when the same function watches twice.
    const listener = (): void => changed();
    if (this.#watchers.size === 0) this.#start();
    this.#watchers.add(listener);
    return () => {
      this.#watchers.delete(listener);
      if (this.#watchers.size === 0) this.#stop();
    };
  }

  /** Asks now, or once more when it is asking. */
  look(): void {
    if (this.#watchers.size === 0) return;
    if (this.#asking !== undefined) return void (this.#again = true);
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.look();
    });
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    this.#stop();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const behind = this.#deps.revision() > this.#seen;
      const isChanged = await this.#renewal.ask(this.#deps.isChanged);
      if (this.#trouble !== undefined) this.#deps.report("the place of the rules answers again");
      this.#trouble = undefined;
      if (!behind && !isChanged) return;
      // One more, at least, was made. What is beyond is found by asking again.
      this.#seen = behind ? this.#deps.revision() : this.#seen + 1;
      for (const watcher of this.#watchers) watcher();
      this.#again = true;
    } catch (error) {
      if (this.#watchers.size === 0) return;
      if (this.#trouble === undefined) this.#deps.report("the place of the rules does not answer", error);
      this.#trouble = error;
    }
  }

  #start(): void {
    this.#seen = this.#deps.revision();
    this.#stopPolling = this.#deps.clock.every(pollMs, () => this.look());
    this.#openStream();
  }

  #stop(): void {
    this.#stopPolling?.();
    this.#stopPolling = undefined;
    this.#trouble = undefined;
    this.#streamEnd.abort();
    this.#stream?.close().catch(() => {});
    this.#stream = undefined;
  }

  /** Without one asking is enough, so that its failures are no news. Where there are none, it is not tried again. */
  #openStream(): void {
    const { log, clock } = this.#deps;
    const stream = log.watch(() => this.look());
    this.#stream = stream;
    this.#streamEnd = new AbortController();
    const { signal } = this.#streamEnd;
    void stream.ended.then(async (error) => {
      await stream.close().catch(() => {});
      if (signal.aborted || isForGood(error)) return;
      await clock.sleep(streamAgainMs, signal);
      if (!signal.aborted) this.#openStream();
    });
  }
}

/** Not implemented, no such command or stage, no set of replicas, not allowed: the same the next time. */
const forGood: ReadonlySet<unknown> = new Set([238, 115, 59, 40324, 40573, 13]);

export const isForGood = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "code" in error && forGood.has(error.code);
