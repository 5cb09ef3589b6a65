import type { Offset, Src } from "../../event/position.ts";
import type { Statement } from "../../rollup/statement.ts";
import { keyText } from "../event-key.ts";
import type { EventKey } from "../store.ts";
import { keysPerLookup, selectFoundIds, selectIdsOfSpan } from "./statements.ts";

export interface KeyColumns extends Record<string, unknown[]> {
  event_id: string[];
  timestamp_ms: number[];
}

/** Where ids are looked up: see `Connection.columns`. */
type Read = (statement: Statement) => Promise<Partial<KeyColumns>>;

/** So many keys cost less by themselves than asking what else is in their span. */
const fewKeys = 20;
/** What a span may have beside the keys that are asked for, so that it is read whole. */
const rowsBeside = 10_000;
/** Keys that are asked for by one span. */
const keysPerSpan = 20_000;

/**
 * Which of the keys are stored below an offset.
 *
 * A look-up by the very times reads a granule for each of them; events of the past mostly come in the order of their times,
 * and where little else is stored. So the keys are cut by time: of a span that holds few rows all ids are read at once,
 * and one that holds many is halved until its keys can be named.
 */
export async function findIds(
  read: Read,
  src: Src,
  keys: readonly EventKey[],
  below: Offset,
): Promise<readonly EventKey[]> {
  const sorted = keys.toSorted((a, b) => a.timestamp - b.timestamp);
  const found: EventKey[] = [];
  const waiting = cut(sorted, keysPerSpan);
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    const span = part.length <= fewKeys ? undefined : await idsOfSpan(read, src, part, below);
    if (span !== undefined) found.push(...part.filter((key) => span.has(keyText(key))));
    else if (part.length > keysPerLookup) waiting.push(...cut(part, Math.ceil(part.length / 2)));
    else found.push(...keysOf(await read(selectFoundIds(src, part, below))));
  }
  return found;
}

/** All ids between the first and the last of the keys; undefined when there are too many. */
async function idsOfSpan(
  read: Read,
  src: Src,
  part: readonly EventKey[],
  below: Offset,
): Promise<ReadonlySet<string> | undefined> {
  const limit = part.length + rowsBeside;
  const span = { from: part[0]!.timestamp, to: part.at(-1)!.timestamp, below, limit: limit + 1 };
  const stored = keysOf(await read(selectIdsOfSpan(src, span)));
  return stored.length > limit ? undefined : new Set(stored.map(keyText));
}

function cut<T>(whole: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
    whole.slice(index * size, (index + 1) * size),
  );
}

/** The keys in an answer of ids and their times. */
export const keysOf = ({ event_id: ids = [], timestamp_ms: times = [] }: Partial<KeyColumns>): EventKey[] =>
  ids.map((event_id, index) => ({ event_id, timestamp: times[index]! }));
