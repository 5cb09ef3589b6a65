/** Takes a value, and answers its place in the text, `{name:Type}`. */
export interface Binder {
  bind(name: string, type: string, value: unknown): string;
}

/** Collects bound values, so that none finds its way into the text of a statement. Equal values share a parameter. */
export class Bindings implements Binder {
  readonly values: Record<string, unknown> = {};
  readonly #known = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #prefix: string;

  /** The prefix keeps the names of statements apart that are put together. */
  constructor(prefix = "") {
    this.#prefix = prefix;
  }

  /** The placeholder of a value; parameters are named by what they are and a number. */
  bind(name: string, type: string, value: unknown): string {
    const key = JSON.stringify([name, type, value]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    const parameter = `${this.#prefix}${name}${count}`;
    this.values[parameter] = value;
    const placeholder = `{${parameter}:${type}}`;
    this.#known.set(key, placeholder);
    return placeholder;
  }
}
