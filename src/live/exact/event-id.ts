import { epochText, readEpoch } from "./epoch.ts";
import type { Place } from "./subscriber.ts";

/**
 * Where a client is with several rules, as one word for the `id` of an event: the places in the order of the rules. It has
 * room for one process: after a restart, until all places are of the new one, those of another than the first are lost.
 */
export function writeEventId(places: readonly (Place | null)[]): string {
  const [first = "-"] = places.flatMap((place) => (place === null ? [] : (readEpoch(place.epoch)?.process ?? [])));
  return [first, ...places.map((place) => partOf(first, place))].join("~");
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

function partOf(process: string, place: Place | null): string {
  if (place === null) return "-";
  const epoch = readEpoch(place.epoch);
  if (epoch?.process !== process) return lost;
  return [epoch.feed, epoch.from, place.seq].map((number) => number.toString(36)).join(".");
}

function placeOf(process: string, part: string): Place | undefined {
  if (part === "-") return undefined;
  const numbers = part.split(".").map((digits) => Number.parseInt(digits, 36));
  const [feed = -1, from = -1, seq = -1] = numbers;
  if (numbers.length !== 3 || !numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return nowhere;
  return { epoch: epochText({ process: process.slice(0, 32), feed, from }), seq };
}
