import type { CheckedRule } from "../../rule/rule.ts";
import { type Ended, type Finals, endedBetween } from "./finals.ts";
import type { Mirror } from "./mirror.ts";
import { closedThrough } from "./read.ts";

export interface Closing {
  readonly rule: CheckedRule;
  /** Windows are looked at that closed after the first and up to the second moment, each less the lateness; ms since the epoch. */
  readonly after: number;
  readonly through: number;
  readonly finalThrough: number;
  /** Of more at once the rows are told of as changes: one message instead of one for each window. */
  readonly atOnceMax: number;
}

/** Windows close, those that nothing entered as well. */
export function closeWindows(mirror: Mirror, finals: Finals, closing: Closing): void {
  const { rule, through, finalThrough, atOnceMax } = closing;
  const held = mirror.starts().filter((start) => mirror.get(start)!.open.some((end) => end <= through));
  const isMany = held.length > atOnceMax;
  const ended = isMany ? [] : endings(mirror, closing, held);
  for (const start of held) {
    const window = closedThrough(mirror.get(start)!, rule, finalThrough);
    if (isMany) mirror.change(start, window);
    else mirror.close(start, window);
  }
  finals.add(ended, mirror.seq);
}

/** Each once, those that ended first come first. */
function endings(
  mirror: Mirror,
  { rule, after, through, atOnceMax }: Closing,
  held: readonly number[],
): readonly Ended[] {
  const ended = new Map<string, Ended>();
  const add = (one: Ended): void => void ended.set(`${one.start} ${one.end}`, one);
  for (const start of held) for (const end of mirror.get(start)!.open) if (end <= through) add({ start, end });
  for (const one of endedBetween(rule.window, after, through, atOnceMax)) if (one.start >= mirror.floor) add(one);
  return [...ended.values()].toSorted((a, b) => a.end - b.end || a.start - b.start);
}
