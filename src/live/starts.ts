import { startOfSpan } from "../rule/calendar.ts";
import type { RuleWindow } from "../rule/rule.ts";
import { secondsMaxOf } from "../rule/window.ts";

/** How far the beginnings of neighbouring windows lie apart, at most; ms. */
export function stepMsOf({ kind, size, hop }: RuleWindow): number {
  return secondsMaxOf(kind === "hopping" && hop ? hop : size) * 1000;
}

/** The beginning (ms since the epoch) of the newest window that holds the moment. */
export function newestStartAt({ kind, size, hop }: RuleWindow, ms: number): number {
  return startOfSpan(kind === "hopping" && hop ? hop : size, ms);
}

/** Where so many of the newest windows begin that have begun by the clock; `newest`: the last there is. Of none, they may be any. */
export function newestFrom(window: RuleWindow, newest: number | undefined, now: number, count: number): number {
  if (newest === undefined) return 0;
  return Math.max(0, newestStartAt(window, Math.min(newest, now)) - (count - 1) * stepMsOf(window));
}

/**
 * The beginnings of the windows in which the seconds lie; worked out once per kind of window. Of too many, a few too many, the newest:
 * who watches only newer ones has all of these, and who watches older ones as well is told of too many.
 */
export function startsFor(
  window: RuleWindow,
  seconds: readonly number[],
  startsMax: number,
  known: Map<string, readonly number[]>,
): readonly number[] {
  const key = JSON.stringify(window);
  let starts = known.get(key);
  if (starts === undefined) known.set(key, (starts = startsAround(window, seconds, startsMax)));
  return starts;
}

function startsAround(window: RuleWindow, seconds: readonly number[], startsMax: number): number[] {
  const newest = [...new Set(seconds.map((second) => newestStartAt(window, second * 1000)))].toSorted((a, b) => b - a);
  const { kind, size, hop } = window;
  if (kind !== "hopping" || hop === undefined) return newest;
  const [sizeMs, hopMs] = [secondsMaxOf(size) * 1000, secondsMaxOf(hop) * 1000];
  const starts = new Set<number>();
  for (const last of newest) {
    for (let start = last; start >= 0 && start > last - sizeMs; start -= hopMs) starts.add(start);
    if (starts.size > startsMax) break;
  }
  return [...starts];
}
