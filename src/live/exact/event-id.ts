import { epochText, readEpoch } from "./epoch.ts";
import type { Place } from "./subscriber.ts";

/** Where a client is with one rule, as it stands in the `id` of an event: written once, as most are the same in the next id. */
export interface IdPart {
  /** Undefined: it names none, and stands beside any. */
  readonly process: string | undefined;
  readonly text: string;
}

export function idPart(place: Place | null): IdPart {
  if (place === null) return { process: undefined, text: "-" };
  const epoch = readEpoch(place.epoch);
  if (epoch === undefined) return { process: undefined, text: lost };
  const text = [epoch.feed, epoch.from, place.seq].map((number) => number.toString(36)).join(".");
  return { process: epoch.process, text };
}

/**
 * Where a client is with several rules, as one word for the `id` of an event: the places in the order of the rules. It has
 * room for one process: after a restart, until all places are of the new one, those of another than the first are lost.
 */
export function writeEventId(parts: Iterable<IdPart>): string {
  let first: string | undefined;
  let id = "";
  for (const { process, text } of parts) {
    first ??= process;
    id += process === undefined || process === first ? `~${text}` : `~${lost}`;
  }
  return `${first ?? "-"}${id}`;
}

/**
 * The place of each rule; undefined where there was none. What is no such word, or has not the number of rules, is answered
 * by places that nobody is at.
 */
export function readEventId(id: string, rules: number): (Place | undefined)[] {
  const [process = "", ...parts] = id.split("~");
  if (parts.length !== rules) return Array.from({ length: rules }, () => nowhere);
  return parts.map((part) => placeOf(process, part));
}

const nowhere: Place = { epoch: "-", seq: 0 };

/** What is read as no place: who has it is told that what he has is void. */
const lost = "0";

function placeOf(process: string, part: string): Place | undefined {
  if (part === "-") return undefined;
  const numbers = part.split(".").map((digits) => Number.parseInt(digits, 36));
  const [feed = -1, from = -1, seq = -1] = numbers;
  if (numbers.length !== 3 || !numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return nowhere;
  return { epoch: epochText({ process: process.slice(0, 32), feed, from }), seq };
}
