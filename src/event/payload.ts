import type { Problem } from "../lib/errors.ts";
import { eventLimits } from "./limits.ts";
import { shortened } from "./shortened.ts";

/** What a look at a payload has found: every mistake (the first few of them), and whether its canonical text needs the numbers' own digits. */
export interface PayloadFindings {
  readonly problems: readonly Problem[];
  /** It holds a number of 2^53 or more, which `JSON.parse` may have damaged. */
  readonly big: boolean;
}

type Json = Readonly<Record<string, unknown>>;

const problemsMax = 10;

/**
 * Checks a parsed payload: depth, keys, well-formed Unicode, finite numbers, and no two values at one dotted path
 * (`{"a":{"b":1},"a.b":2}`), which the engine would refuse. Paths of the problems begin with `payload`.
 */
export function checkPayload(payload: Json): PayloadFindings {
  const look = new Look();
  look.object(payload, "payload", 1);
  if (look.keys > eventLimits.payloadKeysMax) {
    look.problem("payload", `has ${look.keys} keys; a payload may have ${eventLimits.payloadKeysMax}`);
  }
  return { problems: look.problems, big: look.big };
}

class Look {
  readonly problems: Problem[] = [];
  keys = 0;
  big = false;

  problem(path: string, message: string, value?: unknown): void {
    if (this.problems.length < problemsMax) this.problems.push(value === undefined ? { path, message } : { path, message, value: shortened(value) });
  }

  object(object: Json, path: string, depth: number): void {
    if (!this.#fits(path, depth)) return;
    let dotted = false;
    for (const key in object) {
      this.keys += 1;
      const below = childPath(path, key);
      if (!key.isWellFormed()) this.problem(below, "the key holds a lone surrogate, which is not Unicode text", key);
      const bytes = Buffer.byteLength(key);
      if (bytes > eventLimits.payloadKeyBytesMax) this.problem(below, `the key has ${bytes} bytes; it may have ${eventLimits.payloadKeyBytesMax}`, key);
      dotted ||= key.includes(".");
      this.#value(object[key], below, depth);
    }
    // Below a key that has a dot, or beside one, everything below this object is looked at once, from here.
    if (dotted && this.problems.length === 0) this.#clash(object, path);
  }

  #array(array: readonly unknown[], path: string, depth: number): void {
    if (!this.#fits(path, depth)) return;
    for (let index = 0; index < array.length && this.problems.length < problemsMax; index++) this.#value(array[index], `${path}[${index}]`, depth);
  }

  #value(value: unknown, path: string, depth: number): void {
    if (typeof value === "number") return this.#number(value, path);
    if (typeof value === "string") {
      if (!value.isWellFormed()) this.problem(path, "holds a lone surrogate, which is not Unicode text", value);
    } else if (Array.isArray(value)) this.#array(value, path, depth + 1);
    else if (typeof value === "object" && value !== null) this.object(value as Json, path, depth + 1);
  }

  #number(value: number, path: string): void {
    if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return;
    if (Number.isFinite(value)) this.big = true;
    else this.problem(path, "is larger than a double can be");
  }

  #fits(path: string, depth: number): boolean {
    if (depth <= eventLimits.payloadDepthMax) return true;
    this.problem(path, `is ${depth} levels deep; a payload may have ${eventLimits.payloadDepthMax}`);
    return false;
  }

  #clash(object: Json, path: string): void {
    const seen = new Set<string>();
    const clash = firstClash(object, "", seen);
    if (clash !== undefined) this.problem(path, `has two values at the dotted path ${shortened(clash)}`);
  }
}

/** Objects are walked into; an empty one is a value, like all else. */
function firstClash(object: Json, prefix: string, seen: Set<string>): string | undefined {
  for (const key in object) {
    const dotted = prefix + key;
    const value = object[key];
    if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
      const found = firstClash(value as Json, `${dotted}.`, seen);
      if (found !== undefined) return found;
    } else if (seen.has(dotted)) return dotted;
    else seen.add(dotted);
  }
  return undefined;
}

function childPath(path: string, key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(shortened(key))}]`;
}
