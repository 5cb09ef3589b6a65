import type { Clock } from "../lib/clock.ts";

/** How far a sending is. */
export interface Standing {
  readonly what: string;
  /** Events that have an outcome. */
  readonly done: number;
  readonly refused: number;
  /** How much there is of it, 0 to 1; null when that can't be known. */
  readonly share: number | null;
}

/** `orders.csv  43 %  1,234,567 events  85,000/s  1 min 20 s left` */
export function progressLine({ what, done, refused, share }: Standing, perSecond: number, elapsedMs: number): string {
  const left = share === null || share <= 0 || share >= 1 ? null : (elapsedMs * (1 - share)) / share;
  return [
    what,
    ...(share === null ? [] : [`${Math.floor(Math.min(1, share) * 100)} %`]),
    `${thousands(done)} events`,
    ...(refused > 0 ? [`${thousands(refused)} refused`] : []),
    `${thousands(perSecond)}/s`,
    ...(left === null || elapsedMs < 1000 ? [] : [`${timeText(left)} left`]),
  ].join("  ");
}

export const thousands = (value: number): string => Math.round(value).toLocaleString("en-US");

/** As much as people want to know: `5 s`, `1 min 20 s`, `2 h 5 min`. */
export function timeText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export interface ProgressScreen {
  readonly isTty: boolean;
  readonly columns: () => number;
  readonly write: (text: string) => void;
}

const drawnEveryMs = 200;
const toldEveryMs = 10_000;

/** Tells how far it is: on a terminal in one line that is drawn anew, else in a line now and then. Returns how to end that. */
export function showProgress(standing: () => Standing, screen: ProgressScreen, clock: Clock): () => void {
  const startedAt = clock.monotonic();
  let before = { at: startedAt, done: 0 };
  let perSecond = 0;
  const tell = (): void => {
    const now = standing();
    const at = clock.monotonic();
    const latest = ((now.done - before.done) * 1000) / Math.max(1, at - before.at);
    // On a terminal the rate of some seconds, so that it can be read.
    perSecond = before.at === startedAt || !screen.isTty ? latest : perSecond * 0.9 + latest * 0.1;
    before = { at, done: now.done };
    const line = progressLine(now, perSecond, at - startedAt);
    screen.write(screen.isTty ? `\r${line.slice(0, screen.columns() - 1)}\u001B[K` : `${line}\n`);
  };
  const stop = clock.every(screen.isTty ? drawnEveryMs : toldEveryMs, tell);
  return () => {
    stop();
    if (screen.isTty) screen.write("\r\u001B[K");
  };
}
