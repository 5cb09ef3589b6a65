import { digitsOf } from "../lib/exact-json.ts";

type Values = Record<string, unknown>;

/** A payload that is put together from columns, of which none takes another's place. */
export class Payload {
  readonly value: Values;
  /** What was made here and may be changed; other objects are the row's. */
  readonly #own = new WeakSet<object>();

  /** With what one column has of it. */
  constructor(whole: object = {}) {
    this.value = { ...whole };
  }

  /** @returns what is wrong: something would be lost */
  put(path: readonly string[], value: unknown): string | undefined {
    let at = this.value;
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const inner = this.#keysOf(at, key);
      if (inner === undefined)
        return `would be a key of payload.${path.slice(0, depth + 1).join(".")}, which is a value already`;
      at = inner;
    }
    const key = path.at(-1) ?? "";
    if ((at[key] ?? null) === null || !Object.hasOwn(at, key)) define(at, key, value);
    else if (value !== null) return "is given by another column, too";
    return undefined;
  }

  /** The object at a key, which may be changed; undefined where there is something else. */
  #keysOf(at: Values, key: string): Values | undefined {
    const there = Object.hasOwn(at, key) ? (at[key] ?? {}) : {};
    if (!isKeyed(there)) return undefined;
    if (this.#own.has(there)) return there;
    const own = { ...there };
    this.#own.add(own);
    define(at, key, own);
    return own;
  }
}

/** An object, and neither a list nor a number that is kept as it stands. */
export const isKeyed = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value) && digitsOf(value) === undefined;

/** A column may be called anything, `__proto__` too. */
const define = (object: object, key: string, value: unknown): void =>
  void Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
