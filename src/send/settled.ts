/** How many of the first rows have an outcome, whatever the order in which outcomes come. */
export class Settled {
  /** Of those that have none, or that stand behind one that has none. */
  #open: { isSettled: boolean }[] = [];
  #from = 0;
  #count: number;

  /** So many rows are done before it begins. */
  constructor(before: number) {
    this.#count = before;
  }

  get count(): number {
    return this.#count;
  }

  /** The next row. Returns how to settle it. */
  begin(): () => void {
    const row = { isSettled: false };
    this.#open.push(row);
    return () => {
      row.isSettled = true;
      this.#pass();
    };
  }

  #pass(): void {
    while (this.#open[this.#from]?.isSettled === true) {
      this.#from += 1;
      this.#count += 1;
    }
    if (this.#from < 1024 || this.#from < this.#open.length / 2) return;
    this.#open = this.#open.slice(this.#from);
    this.#from = 0;
  }
}
