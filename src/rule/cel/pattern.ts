import { filterLimits } from "./expression.ts";

/** Why a pattern can't be taken, and at which character of it (from 1). */
export interface PatternFault {
  readonly message: string;
  readonly at: number;
}

/**
 * Reads a pattern in RE2's syntax and tells what is wrong with it; null when the engine takes it. Narrower than RE2: what
 * is rare there (`\Q…\E`, `\C`, octal escapes, a bare `{` or `[`) is refused, so that no pattern that passes here can make
 * the engine refuse a statement that other rules are part of.
 *
 * The syntax is that of https://github.com/google/re2/wiki/Syntax. Repetition is bounded as there (1,000, nested ones
 * multiplied), and the program that a pattern compiles to is bounded well below the engine's limit.
 */
export function patternFault(pattern: string): PatternFault | null {
  if (pattern.length > filterLimits.patternMax)
    return { message: `is longer than ${filterLimits.patternMax} characters`, at: 1 };
  const reader = new PatternReader(pattern);
  try {
    reader.whole();
    return null;
  } catch (error) {
    if (error instanceof Fault) return { message: error.message, at: error.at + 1 };
    throw error;
  }
}

class Fault extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** What a piece costs when it is compiled, how often it is repeated inside, and whether it may be repeated. */
interface Piece {
  readonly size: number;
  readonly repeats: number;
  readonly repeatable: boolean;
}

const repeatsMax = 1000;
// Compiling this much takes the engine some ten milliseconds.
const sizeMax = 5000;
const groupsMax = 50;
const namedClassSize = 400;

const categories = new Set(
  "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co".split(" "),
);
const scripts = new Set(
  "Arabic Armenian Bengali Common Cyrillic Devanagari Georgian Greek Han Hangul Hebrew Hiragana Katakana Latin Tamil Thai".split(
    " ",
  ),
);
const posixClass = /\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/y;
const repetition = /\{(\d{1,4})(,(\d{1,4})?)?\}/y;
const groupFlags = /\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)?[:)]/y;
const hexEscape = /x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/y;
const property = /[pP](?:([A-Z])|\{\^?(\w+)\})/y;

class PatternReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): void {
    const piece = this.#alternatives();
    if (this.#at < this.#text.length) this.#fail("has a ) too many");
    if (piece.size > sizeMax) this.#fail("would become too large a program", 0);
  }

  #alternatives(): Piece {
    let [size, repeats] = [1, 1];
    do {
      for (let next = this.#next(); next !== "" && next !== "|" && next !== ")"; next = this.#next()) {
        const piece = this.#repeated();
        size += piece.size;
        repeats = Math.max(repeats, piece.repeats);
      }
    } while (this.#take("|"));
    return { size, repeats, repeatable: true };
  }

  #repeated(): Piece {
    const start = this.#at;
    const piece = this.#piece();
    const from = this.#at;
    const times = this.#times();
    if (times === null) return piece;
    if (!piece.repeatable) this.#fail("repeats what has no width", from);
    this.#take("?");
    if (["*", "+", "?"].includes(this.#next()) || this.#times() !== null) this.#fail("repeats a repetition", this.#at);
    const repeats = piece.repeats * times;
    if (repeats > repeatsMax) this.#fail(`repeats more than ${repeatsMax} times`, from);
    const size = piece.size * times + 1;
    if (size > sizeMax) this.#fail("would become too large a program", start);
    return { size, repeats, repeatable: true };
  }

  /** How often at most what stands before is written out; null when it is not repeated. */
  #times(): number | null {
    if (this.#take("*") || this.#take("+") || this.#take("?")) return 1;
    if (this.#next() !== "{") return null;
    const found = this.#match(repetition);
    if (found === null) return this.#fail("has a { that is no repetition; write \\{");
    const least = Number(found[1]);
    const most = found[3] === undefined ? least : Number(found[3]);
    if (most < least) this.#fail("repeats from more to less");
    return Math.max(least, most, 1);
  }

  #piece(): Piece {
    const next = this.#next();
    if (next === "(") return this.#group();
    if (next === "[") return this.#class();
    if (next === "\\") return this.#escape(false);
    if (["*", "+", "?", "{"].includes(next)) this.#fail(`has a ${next} with nothing before it; write \\${next}`);
    this.#at += next.length;
    if (next === "^" || next === "$") return { size: 1, repeats: 1, repeatable: false };
    return { size: next === "." ? 10 : 2, repeats: 1, repeatable: true };
  }

  #group(): Piece {
    const start = this.#at++;
    if (++this.#depth > groupsMax) this.#fail(`has more than ${groupsMax} groups inside each other`, start);
    if (this.#next() === "?") {
      const flags = this.#match(groupFlags);
      if (flags === null) return this.#fail("has a (? that RE2 does not know here: no lookaround, no names", start);
      if (flags[0].endsWith(")")) {
        this.#depth -= 1;
        if (flags[0] === "?)") this.#fail("has a (?) without flags", start);
        return { size: 0, repeats: 1, repeatable: false };
      }
    }
    const inner = this.#alternatives();
    if (!this.#take(")")) this.#fail("has a ( without its )", start);
    this.#depth -= 1;
    return { ...inner, size: inner.size + 2 };
  }

  #class(): Piece {
    const start = this.#at++;
    this.#take("^");
    let size = 0;
    for (let first = true; first || this.#next() !== "]"; first = false) {
      if (this.#next() === "") this.#fail("has a [ without its ]", start);
      size += this.#classItem();
    }
    this.#at += 1;
    return { size: size + 4, repeats: 1, repeatable: true };
  }

  #classItem(): number {
    if (this.#match(posixClass) !== null) return 10;
    const start = this.#at;
    const low = this.#classCharacter();
    if (this.#next() !== "-" || this.#text[this.#at + 1] === "]") return low === null ? namedClassSize : 2;
    if (low === null) return this.#fail("has a range that begins with a class", start);
    this.#at += 1;
    const high = this.#classCharacter();
    if (high === null || high < low) return this.#fail("has a range from high to low", start);
    return 4;
  }

  /** The code point of one character in a class; null when it is a class itself, such as `\d`. */
  #classCharacter(): number | null {
    const next = this.#next();
    if (next === "[" || next === "]" || next === "-") {
      const edge = next === "-" && (/[[^]/.test(this.#text[this.#at - 1] ?? "") || this.#text[this.#at + 1] === "]");
      if (!edge) this.#fail(`has a ${next} inside [ ]; write \\${next}`);
    }
    if (next !== "\\") {
      if (next === "") this.#fail("has a [ without its ]");
      this.#at += next.length;
      return next.codePointAt(0)!;
    }
    return this.#escape(true).code;
  }

  #escape(inClass: boolean): Piece & { readonly code: number | null } {
    const start = this.#at++;
    const next = this.#next();
    const named = { size: namedClassSize, repeats: 1, repeatable: true, code: null };
    const single = { size: 2, repeats: 1, repeatable: true };
    const hex = this.#match(hexEscape);
    if (hex !== null) {
      const code = Number.parseInt(hex[1] ?? hex[2]!, 16);
      if (code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff)) this.#fail("names no character", start);
      return { ...single, code };
    }
    const found = this.#match(property);
    if (found !== null) {
      const name = found[1] ?? found[2]!;
      if (!categories.has(name) && !scripts.has(name))
        this.#fail(`names no class of characters that is known: ${name}`, start);
      return named;
    }
    this.#at += next.length;
    if (/[dDsSwW]/.test(next)) return { ...named, size: 20 };
    if (!inClass && /[bBAz]/.test(next)) return { ...single, repeatable: false, code: null };
    const control = "ntrfva".indexOf(next);
    if (next !== "" && control !== -1) return { ...single, code: [10, 9, 13, 12, 11, 7][control]! };
    if (/^[!-/:-@[-^`{-~]$/.test(next)) return { ...single, code: next.codePointAt(0)! };
    if (/[0-9]/.test(next)) this.#fail("refers back or is octal, which is not available", start);
    return this.#fail(next === "" ? "ends with a \\" : `has \\${next}, which means nothing`, start);
  }

  #next(): string {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #take(text: string): boolean {
    const found = this.#next() === text;
    if (found) this.#at += text.length;
    return found;
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #fail(message: string, at = this.#at): never {
    throw new Fault(message, at);
  }
}
