import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import type { Store, Totals } from "../store/store.ts";

/** How long `/status` waits for the store: an operator asks it first when something is wrong. */
const waitMs = 1000;

/** The store's sums. It is asked for them once at a time, however many want to know: when it dawdles, questions don't heap up. */
export class RecentTotals {
  readonly #store: Pick<Store, "totals">;
  readonly #clock: Clock;
  #coming: Promise<Totals> | undefined;

  constructor(store: Pick<Store, "totals">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Null when the store does not answer soon. */
  async get(): Promise<Totals | null> {
    this.#coming ??= this.#store.totals().finally(() => (this.#coming = undefined));
    return within(this.#clock, waitMs, () => this.#coming!).catch(() => null);
  }
}
