/** After so long without a step it is told what is waited for; and of a process that was asked, others take over. */
export const patienceMs = 120_000;

/** What is waited for, once that has not changed for long. */
export class Holdup {
  #what: string | undefined;
  #since = 0;
  #told = false;

  /** `what` names how far it is, so that any step of it is another; undefined: nothing. `now`: ms of the monotonic clock. */
  look(what: string | undefined, now: number): void {
    if (what === this.#what) return;
    [this.#what, this.#since, this.#told] = [what, now, false];
  }

  /** What it is, if it has lasted. */
  lasting(now: number): string | undefined {
    return now - this.#since >= patienceMs ? this.#what : undefined;
  }

  /** The same, once. */
  news(now: number): string | undefined {
    const what = this.#told ? undefined : this.lasting(now);
    if (what !== undefined) this.#told = true;
    return what;
  }
}
