import { crc32 } from "node:zlib";

/** What has happened, line by line: a hash of all, and the lines themselves when somebody is to read them. */
export class Trace {
  readonly lines: string[] = [];
  readonly #now: () => number;
  readonly #keeps: boolean;
  #start: number;
  #hash = 0;

  constructor(now: () => number, keeps: boolean) {
    this.#now = now;
    this.#keeps = keeps;
    this.#start = now();
  }

  get hash(): number {
    return this.#hash;
  }

  note(what: string): void {
    const line = `${(this.#now() - this.#start).toFixed(2)} ${what}`;
    this.#hash = crc32(line, this.#hash);
    if (this.#keeps) this.lines.push(line);
  }
}
