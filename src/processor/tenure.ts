import type { Src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { Partition } from "./partition.ts";

export interface TenureDeps {
  readonly src: Src;
  /** What has to be over before the partition may be taken up. */
  readonly before: Promise<unknown>;
  /** Takes the partition over and reads how far it is; gives up when the signal aborts. */
  readonly open: (src: Src, abandon: AbortSignal) => Promise<Partition>;
  /** Counting may begin. */
  readonly started: Promise<void>;
  readonly takenUp: () => void;
  /** Hears once that it has ended, and what befell it if that was not in order. */
  readonly ended: (error: unknown) => void;
}

/** The time for which this process counts one partition: taken up, counted, let go. */
export class Tenure {
  readonly #deps: TenureDeps;
  readonly #drain = new AbortController();
  readonly #abandon = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #partition: Partition | undefined;

  constructor(deps: TenureDeps) {
    this.#deps = deps;
  }

  /** Once it is taken up. */
  get partition(): Partition | undefined {
    return this.#partition;
  }

  /** Resolves when it is taken up, or has ended before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when nothing of it is under way any more. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  begin(): void {
    const counted = this.#count();
    const told = counted.then(
      () => this.#deps.ended(undefined),
      (error: unknown) => this.#failed(error),
    );
    void told.finally(() => this.#ready.resolve());
    void told.then(() => this.#partition?.idle()).finally(() => this.#over.resolve());
  }

  /** Finishes the batches that have begun. */
  drain(): void {
    this.#drain.abort();
  }

  /** Writes nothing any more. Whoever goes on with the partition finds what is there. */
  abandon(): void {
    this.#drain.abort();
    this.#abandon.abort();
  }

  async #count(): Promise<void> {
    const { before, open, src, started, takenUp } = this.#deps;
    await before;
    if (this.#drain.signal.aborted) return;
    const partition = await open(src, this.#abandon.signal);
    if (this.#drain.signal.aborted) return;
    this.#partition = partition;
    takenUp();
    this.#ready.resolve();
    await started;
    await partition.run(this.#drain.signal);
  }

  #failed(error: unknown): void {
    const isInOrder = this.#abandon.signal.aborted || (error instanceof WeirError && error.code === "stopping");
    this.abandon();
    this.#deps.ended(isInOrder ? undefined : error);
  }
}
