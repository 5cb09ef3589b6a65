import type { Random } from "../../support/random.ts";
import { oddities } from "./oddities.ts";

/** Changes a text, whose characters are bytes, in one to three places: by what it is made of, or byte by byte. */
export function mutated(text: string, random: Random): string {
  let result = text;
  const changes = random.chance(0.6) ? 1 : 1 + random.int(3);
  for (let change = 0; change < changes; change++)
    result = random.chance(0.65) ? byGrammar(result, random) : byBytes(result, random);
  return result;
}

/** The same for what is no text, e.g. compressed. */
export function mutatedBytes(bytes: Uint8Array, random: Random): Buffer {
  let text = Buffer.from(bytes).toString("latin1");
  for (let change = 0; change <= random.int(2); change++) text = byBytes(text, random);
  return Buffer.from(text, "latin1");
}

export const odd = (random: Random): string => random.pick(random.pick(oddities));

/** Names, numbers, texts and marks; also of what is no JSON: a filter, a query. */
const parts = /"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|-?\d[\d.eE+-]*|\s+|[^]/g;

type Change<T> = (given: T, at: number, random: Random) => void;

const grammarChanges: readonly Change<string[]>[] = [
  (list, at, random) => void list.splice(at, 1, odd(random)),
  (list, at, random) => void list.splice(at, 1, odd(random)),
  (list, at, random) => void list.splice(valueNear(list, at), 1, odd(random)),
  (list, at, random) => void list.splice(valueNear(list, at), 1, odd(random)),
  (list, at, random) => void list.splice(at, 0, odd(random)),
  (list, at, random) => void list.splice(at, 1, random.pick(list)),
  (list, at) => void list.splice(at, 1),
  (list, at) => void list.splice(at, 0, list[at]!),
  (list, at, random) => void list.splice(at, 1 + random.int(8)),
  (list, at, random) => void list.splice(at, 0, ...list.slice(at, at + 1 + random.int(12))),
  (list, at, random) => {
    const other = random.int(list.length);
    [list[at], list[other]] = [list[other]!, list[at]!];
  },
  (list, at, random) => void (list[at] = byBytes(list[at]!, random)),
  (list, at, random) => void (list[at] = withEscape(list[at]!, random)),
];

/** The next part behind a colon: what stands there is a value. */
function valueNear(list: readonly string[], at: number): number {
  const colon = list.indexOf(":", at);
  return colon < 0 || colon + 1 >= list.length ? at : colon + 1;
}

function withEscape(part: string, random: Random): string {
  const at = random.int(part.length + 1);
  const escape = random.pick([
    "\\",
    "\\n",
    "\\u0041",
    "\\ud800",
    "\\u",
    "\\x",
    "\\/",
    "%",
    "%00",
    "%ff",
    "%e2%82",
    "\xc3\xa9",
  ]);
  return part.slice(0, at) + escape + part.slice(at);
}

function byGrammar(text: string, random: Random): string {
  const list = text.match(parts) ?? [""];
  random.pick(grammarChanges)(list, random.int(list.length), random);
  return list.join("");
}

type ByteChange = (text: string, at: number, random: Random) => string;

const byteChanges: readonly ByteChange[] = [
  (text, at, random) => replace(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.int(8)))),
  (text, at, random) => replace(text, at, 1, anyByte(random)),
  (text, at, random) => replace(text, at, 0, anyByte(random).repeat(1 + random.int(3))),
  (text, at, random) => replace(text, at, 1 + random.int(4), ""),
  (text, at, random) => replace(text, at, 0, text.slice(at, at + 1 + random.int(40))),
  (text, at, random) => replace(text, at, random.int(40), ""),
  (text, at) => text.slice(0, at),
  (text, at) => text.slice(at),
  (text, at, random) => replace(text, at, 0, anyByte(random).repeat(random.int(2000))),
];

const anyByte = (random: Random): string =>
  random.chance(0.5) ? random.pick([...'"{}[],:\\\n \0%&=+\xff\x80\xc3']) : String.fromCharCode(random.int(256));

function byBytes(text: string, random: Random): string {
  // Only one in ten is cut: what is cut is refused at its end and shows little else.
  const change = random.pick(random.chance(0.1) ? byteChanges : byteChanges.slice(0, 5));
  return change(text, random.int(Math.max(1, text.length)), random);
}

const replace = (text: string, at: number, length: number, by: string): string =>
  text.slice(0, at) + by + text.slice(at + length);
