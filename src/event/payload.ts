import type { Problem } from "../lib/errors.ts";
import { isObject, type JsonObject } from "../lib/is-object.ts";
import { eventLimits } from "./limits.ts";
import { shortened } from "./shortened.ts";

/** What a look at a payload has found: every mistake (the first few of them), and whether its canonical text needs the numbers' own digits. */
export interface PayloadFindings {
  readonly problems: readonly Problem[];
  /** It holds a number of 2^53 or more, which `JSON.parse` may have damaged. */
  readonly big: boolean;
}

const problemsMax = 10;

/**
 * Checks a parsed payload: depth, keys, well-formed Unicode, finite numbers, and no two values at one dotted path
 * (`{"a":{"b":1},"a.b":2}`), which the engine would refuse. Paths of the problems begin with `payload`.
 */
export function checkPayload(payload: JsonObject): PayloadFindings {
  const look = new Look();
  look.whole(payload, 1);
  if (look.keys > eventLimits.payloadKeysMax)
    look.problem(`has ${look.keys} keys; a payload may have ${eventLimits.payloadKeysMax}`);
  return { problems: look.problems, big: look.big };
}

class Look {
  readonly problems: Problem[] = [];
  keys = 0;
  big = false;
  /** Whether a key of the object being looked at, or of one in it, has a dot. */
  #dotted = false;
  /** The keys and indexes that lead to where the look is. */
  readonly #path: (string | number)[] = [];

  problem(message: string, value?: unknown): void {
    if (this.problems.length >= problemsMax) return;
    const path = this.#path.reduce<string>(childPath, "payload");
    this.problems.push(value === undefined ? { path, message } : { path, message, value: shortened(value) });
  }

  /**
   * The payload, or an object in an array. Two values can only meet at one dotted path where a key has a dot; it is looked for once
   * over all that lies within, as each object in it would be walked through for all of those around it.
   */
  whole(object: JsonObject, depth: number): void {
    const around = this.#dotted;
    this.#dotted = false;
    this.#object(object, depth);
    if (this.#dotted && this.problems.length === 0 && this.keys <= eventLimits.payloadKeysMax) this.#clash(object);
    this.#dotted = around;
  }

  #object(object: JsonObject, depth: number): void {
    if (!this.#fits(depth)) return;
    for (const key in object) {
      this.keys += 1;
      this.#path.push(key);
      this.#key(key);
      this.#dotted ||= key.includes(".");
      const value = object[key];
      if (isObject(value)) this.#object(value, depth + 1);
      else this.#value(value, depth);
      this.#path.pop();
    }
  }

  #key(key: string): void {
    if (!key.isWellFormed()) this.problem("the key holds a lone surrogate, which is not Unicode text", key);
    // A character has three bytes at most; most keys need not be measured.
    if (key.length * 3 <= eventLimits.payloadKeyBytesMax) return;
    const bytes = Buffer.byteLength(key);
    if (bytes > eventLimits.payloadKeyBytesMax)
      this.problem(`the key has ${bytes} bytes; it may have ${eventLimits.payloadKeyBytesMax}`, key);
  }

  #array(array: readonly unknown[], depth: number): void {
    if (!this.#fits(depth)) return;
    for (let index = 0; index < array.length && this.problems.length < problemsMax; index++) {
      this.#path.push(index);
      this.#value(array[index], depth);
      this.#path.pop();
    }
  }

  #value(value: unknown, depth: number): void {
    if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") {
      if (!value.isWellFormed()) this.problem("holds a lone surrogate, which is not Unicode text", value);
    } else if (Array.isArray(value)) this.#array(value, depth + 1);
    else if (isObject(value)) this.whole(value, depth + 1);
  }

  #number(value: number): void {
    if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return;
    if (Number.isFinite(value)) this.big = true;
    else this.problem("is larger than a double can be");
  }

  #fits(depth: number): boolean {
    if (depth <= eventLimits.payloadDepthMax) return true;
    this.problem(`is ${depth} levels deep; a payload may have ${eventLimits.payloadDepthMax}`);
    return false;
  }

  #clash(object: JsonObject): void {
    const clash = firstClash(object, new Place());
    if (clash !== undefined) this.problem(`has two values at the dotted path ${String(shortened(clash))}`);
  }
}

/** Of dotted paths, part by part: whole paths would be as long as all the keys around a value, for each of them. */
class Place {
  isTaken = false;
  /** What comes first; most places have one part below. */
  #part = "";
  #first: Place | undefined;
  #others: Map<string, Place> | undefined;

  at(key: string): Place {
    return key.split(".").reduce<Place>((place, part) => place.#next(part), this);
  }

  #next(part: string): Place {
    const known = part === this.#part ? this.#first : this.#others?.get(part);
    if (known !== undefined) return known;
    const made = new Place();
    if (this.#first !== undefined) (this.#others ??= new Map()).set(part, made);
    else [this.#part, this.#first] = [part, made];
    return made;
  }
}

/** Objects are walked into; an empty one is a value, like all else. */
function firstClash(object: JsonObject, around: Place): string | undefined {
  for (const key in object) {
    const place = around.at(key);
    const value = object[key];
    if (isObject(value) && Object.keys(value).length > 0) {
      const found = firstClash(value, place);
      if (found !== undefined) return `${key}.${found}`;
    } else if (place.isTaken) return key;
    else place.isTaken = true;
  }
  return undefined;
}

/** The path of what lies a key, or an index, below a path. */
export function childPath(path: string, step: string | number): string {
  if (typeof step === "number") return `${path}[${step}]`;
  return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(step) ? `${path}.${step}` : `${path}[${JSON.stringify(shortened(step))}]`;
}
