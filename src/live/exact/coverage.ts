/** What is to be read for those who wait: windows from a moment on (ms since the epoch; Infinity: none), and the newest few. */
export interface Wanted {
  readonly from: number;
  readonly newest: boolean;
}

const nothing: Wanted = { from: Infinity, newest: false };

/** From when on windows are needed that are not known yet. */
export class Coverage {
  #wanted = nothing;
  /** While older windows are read: where these begin. What is touched there counts already. */
  loadingFrom = Infinity;

  /** `from`: null for the newest few. */
  want(from: number | null): void {
    this.#add(from === null ? { from: Infinity, newest: true } : { from, newest: false });
  }

  /** Whether something must be read by a feed that knows all from `floor` on. */
  lacks(floor: number): boolean {
    return this.#wanted.newest || this.#wanted.from < floor;
  }

  take(): Wanted {
    const wanted = this.#wanted;
    this.#wanted = nothing;
    return wanted;
  }

  /** Reading failed. */
  putBack(wanted: Wanted): void {
    this.#add(wanted);
  }

  #add({ from, newest }: Wanted): void {
    this.#wanted = { from: Math.min(from, this.#wanted.from), newest: newest || this.#wanted.newest };
  }
}
