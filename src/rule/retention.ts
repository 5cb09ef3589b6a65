import { startOfSpan } from "./calendar.ts";
import type { CheckedRule } from "./rule.ts";

/**
 * Where the first window begins that a rule still keeps at `now`; both in ms since the epoch. Windows that ended
 * `retentionSeconds` ago or before are not answered any more, and nothing that is stored before this moment is needed. Of
 * cumulative windows, which share their beginning, all go when the last of them does.
 */
export function oldestKept({ window, retentionSeconds }: CheckedRule, now: number): number {
  if (retentionSeconds === undefined) return 0;
  const ended = Math.max(0, now - retentionSeconds * 1000);
  if (window.kind !== "hopping" || window.hop?.unit !== "second" || window.size.unit !== "second")
    return startOfSpan(window.size, ended);
  const hopMs = window.hop.count * 1000;
  return Math.max(0, (Math.floor((ended - window.size.count * 1000) / hopMs) + 1) * hopMs);
}

/** How often what has expired is looked for (ms): what lies too long is a twentieth more, or what comes in an hour. */
export const expiryEveryMs = ({ retentionSeconds = 0 }: CheckedRule): number => Math.min(hourMs, retentionSeconds * 50);

const hourMs = 3_600_000;

/**
 * Whether `before` has at any time kept all that `next` keeps. Only of equal windows or where nothing goes can that be told
 * for every moment: where windows begin differs otherwise.
 */
export function keepsNoMore(next: CheckedRule, before: CheckedRule): boolean {
  if (before.retentionSeconds === undefined) return true;
  const sameWindows = JSON.stringify(next.window) === JSON.stringify(before.window);
  return sameWindows && (next.retentionSeconds ?? Infinity) <= before.retentionSeconds;
}
