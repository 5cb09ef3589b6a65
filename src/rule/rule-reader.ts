import type { Problem } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";

/** A part of a rule that was read: what of it stands in the spec, and what it means. */
export interface RulePart<Spec, Rule> {
  readonly spec: Spec;
  readonly rule: Rule;
}

/** A rule's body as its parts read it: key by key, and every mistake is kept. */
export class RuleReader {
  readonly problems: Problem[] = [];
  readonly #body: Readonly<Record<string, unknown>>;

  constructor(body: Readonly<Record<string, unknown>>) {
    this.#body = body;
  }

  get keys(): readonly string[] {
    return Object.keys(this.#body);
  }

  /** The value of an own key; null counts as missing. */
  value(key: string): unknown {
    return Object.hasOwn(this.#body, key) ? (this.#body[key] ?? undefined) : undefined;
  }

  /** A text that must be there. */
  text(key: string): string | undefined {
    return this.value(key) === undefined ? this.wrong(key, "is required") : this.textIfAny(key);
  }

  /** A text that may be left out; undefined also when it is none, which is told. */
  textIfAny(key: string): string | undefined {
    const value = this.value(key);
    return value === undefined || typeof value === "string" ? value : this.wrong(key, "must be a text");
  }

  /** Notes a mistake in the value of a key. */
  wrong(key: string, message: string): undefined {
    this.wrongAt(shortened(key), message, this.value(key));
  }

  /** Notes a mistake at a path. */
  wrongAt(path: string, message: string, value: unknown): undefined {
    this.problems.push(value === undefined ? { path, message } : { path, message, value: shortened(value) });
  }
}

/** What to put behind a message when one of the known names is near. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = suggest(name, known);
  return near === undefined ? "" : `; did you mean ${near}?`;
}

const charsMax = 100;

/** A value short enough for an error's text. */
function shortened<T>(value: T): T | string {
  const text = typeof value === "string" ? value : textOf(value);
  if (text === undefined) return "…";
  return text.length <= charsMax ? value : `${text.slice(0, charsMax).toWellFormed()}…`;
}

/** JSON is read to any depth, and written only to the one that the stack has room for. */
function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return undefined;
  }
}
