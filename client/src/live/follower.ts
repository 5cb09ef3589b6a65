import { WeirError } from "../errors.ts";
import type { Wanted } from "./carrier.ts";
import { Mirror } from "./mirror.ts";
import type { LiveMessage, Verdict } from "./mirror.ts";
import type { LiveState } from "./state.ts";

/** One rule on a line, and everybody here who watches it. */
export class Follower {
  readonly wanted: Omit<Wanted, "place">;
  readonly mirror = new Mirror();
  readonly #listeners = new Set<() => void>();
  #isHeard = false;
  #isLineOpen = false;
  #refusal: WeirError | undefined;
  #state: LiveState | undefined;
  #isTelling = false;

  constructor(wanted: Omit<Wanted, "place">) {
    this.wanted = wanted;
  }

  get isOver(): boolean {
    return this.mirror.phase === "over" || this.#refusal !== undefined;
  }

  /** Something of the rule has come over the line that is open now. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  get state(): LiveState {
    return (this.#state ??= this.#newState());
  }

  /** `listener` is called soon after each change of `state`. Returns how to stop that. */
  listen(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** As it is to be asked for when a line is opened. */
  request(): Wanted {
    const { place } = this.mirror;
    if (place === undefined) this.mirror.startAnew();
    return { ...this.wanted, place };
  }

  take(message: LiveMessage): Verdict {
    const wasHeard = this.#isHeard;
    const verdict = this.mirror.take(message);
    this.#isHeard = verdict !== "broken";
    if (verdict !== "same" || !wasHeard) this.#changed();
    return verdict;
  }

  lineOpened(): void {
    this.#isLineOpen = true;
    if (this.mirror.head === undefined) this.#changed();
  }

  lineEnded(): void {
    // An attempt that has failed changes nothing.
    if (!this.#isHeard && !this.#isLineOpen) return;
    this.#isHeard = false;
    this.#isLineOpen = false;
    this.#changed();
  }

  refuse(error: WeirError): void {
    this.#refusal = error;
    this.#changed();
  }

  #changed(): void {
    this.#state = undefined;
    if (this.#isTelling) return;
    this.#isTelling = true;
    // What comes at once is told at once.
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const listener of this.#listeners) tell(listener);
    });
  }

  #newState(): LiveState {
    const { head, rows } = this.mirror;
    const error = this.#error();
    const status = this.#status();
    return {
      rule: this.wanted.rule,
      status,
      rows,
      ...(status === "connecting" && this.#isLineOpen && { opened: true }),
      ...(head && { version: head.version, from: head.from, complete: head.complete }),
      ...(head?.truncated && { truncated: true }),
      ...(error && { error }),
    };
  }

  #status(): LiveState["status"] {
    if (this.isOver) return "ended";
    if (this.mirror.head === undefined) return "connecting";
    return this.mirror.phase === "following" && this.#isHeard ? "live" : "stale";
  }

  #error(): WeirError | undefined {
    const { error } = this.mirror;
    if (error === undefined) return this.#refusal;
    return new WeirError(error.code, error.message);
  }
}

/** One that throws keeps nothing from the others; its error is reported as that of an event's listener. */
function tell(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
