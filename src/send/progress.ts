import { cut, widthOf } from "../commands/cells.ts";
import { harmless } from "../commands/table.ts";
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
export const progressLine = (standing: Standing, perSecond: number, elapsedMs: number): string =>
  [harmless(standing.what), ...figures(standing, perSecond, elapsedMs)].join("  ");

/** The cells of a bar: a few lengths alone, so that it stays as long as it is while the figures beside it change. */
const barCells = [30, 20, 10] as const;
const shortestName = 12;

/** The same with a bar behind the name, in a line of a terminal: a long name gives way to the bar, both to the figures. */
export function drawnLine(standing: Standing, perSecond: number, elapsedMs: number, columns: number): string {
  // A line that is full to its end would wrap on some terminals, and not be drawn over.
  const most = Math.max(1, columns - 1);
  const right = figures(standing, perSecond, elapsedMs).join("  ");
  const room = most - widthOf(right) - "  ".length;
  const shortestBar = barCells.at(-1)! + "  []".length;
  const name = cut(harmless(standing.what), Math.max(shortestName, room - shortestBar));
  const cells = barCells.find((length) => widthOf(name) + "  []".length + length <= room);
  const left = standing.share === null || cells === undefined ? [name] : [name, bar(standing.share, cells)];
  return cut([...left, right].join("  "), most);
}

function bar(share: number, cells: number): string {
  const full = Math.floor(Math.min(1, share) * cells);
  return `[${"#".repeat(full)}${"-".repeat(cells - full)}]`;
}

function figures({ done, refused, share }: Standing, perSecond: number, elapsedMs: number): string[] {
  const left = share === null || share <= 0 || share >= 1 ? null : (elapsedMs * (1 - share)) / share;
  return [
    ...(share === null ? [] : [`${Math.floor(Math.min(1, share) * 100)} %`]),
    `${thousands(done)} events`,
    ...(refused > 0 ? [`${thousands(refused)} refused`] : []),
    `${thousands(perSecond)}/s`,
    ...(left === null || elapsedMs < 1000 ? [] : [`${timeText(left)} left`]),
  ];
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
    // On a terminal the rate of some seconds, so that it can be read; at first of all there were.
    const weight = screen.isTty ? Math.max(0.1, (at - before.at) / Math.max(1, at - startedAt)) : 1;
    perSecond += (latest - perSecond) * weight;
    before = { at, done: now.done };
    if (screen.isTty) screen.write(`\r${drawnLine(now, perSecond, at - startedAt, screen.columns())}\u001B[K`);
    else screen.write(`${progressLine(now, perSecond, at - startedAt)}\n`);
  };
  const stop = clock.every(screen.isTty ? drawnEveryMs : toldEveryMs, tell);
  return () => {
    stop();
    if (screen.isTty) screen.write("\r\u001B[K");
  };
}
