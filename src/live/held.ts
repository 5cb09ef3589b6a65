import { formatTime } from "../lib/rfc3339.ts";
import type { WindowRow } from "../store/store.ts";

interface HeldRow {
  /** As it is pushed: `[window_start, …groups, value]`. */
  readonly text: string;
  /** The sequence number of the read that found this value. */
  readonly seq: number;
}

interface HeldWindow {
  readonly rows: ReadonlyMap<string, HeldRow>;
  /** The newest of its rows' numbers. */
  readonly seq: number;
}

export interface HeldBounds {
  /** Above this many rows, windows that everybody has been sent are let go, oldest first. */
  readonly rowsKept: number;
  /** Above this many, also those that someone has not been sent. */
  readonly rowsMax: number;
}

/**
 * The last known rows of a rule's windows, each with the sequence number at which it changed: what a subscriber that has
 * everything up to `n` lacks are the rows with a number above `n`. Windows are kept whole or not at all.
 */
export class HeldWindows {
  readonly #windows = new Map<number, HeldWindow>();
  readonly #keys: number;
  #rows = 0;
  #seq = 0;
  #lostSeq = 0;

  /** `keys`: how many group keys the rule has. */
  constructor(keys: number) {
    this.#keys = keys;
  }

  /** Grows with every change. */
  get seq(): number {
    return this.#seq;
  }

  /** Subscribers below this number lack rows that are no longer held. */
  get lostSeq(): number {
    return this.#lostSeq;
  }

  get rowCount(): number {
    return this.#rows;
  }

  has(start: number): boolean {
    return this.#windows.has(start);
  }

  /** Notes that something changed which could not be kept. */
  lose(): void {
    this.#lostSeq = this.#seq += 1;
  }

  starts(): Iterable<number> {
    return this.#windows.keys();
  }

  /** Takes in what was just read: for each window all its rows, in order; none when it has gone. */
  apply(windows: Iterable<readonly [start: number, rows: readonly WindowRow[]]>): void {
    const seq = this.#seq + 1;
    for (const [start, rows] of windows) {
      const before = this.#windows.get(start);
      const window = renewed(before, rows, { seq, keys: this.#keys });
      this.#rows += window.rows.size - (before?.rows.size ?? 0);
      if (window.rows.size === 0) this.#windows.delete(start);
      else this.#windows.set(start, window);
      if (window.seq === seq) this.#seq = seq;
    }
  }

  /** Rows of the window that have changed after `seq` are news again, whether or not they change once more. */
  renumber(start: number, seq: number): void {
    const window = this.#windows.get(start);
    if (window === undefined || window.seq <= seq) return;
    this.#seq += 1;
    const rows = Array.from(
      window.rows,
      ([key, row]) => [key, row.seq > seq ? { ...row, seq: this.#seq } : row] as const,
    );
    this.#windows.set(start, { rows: new Map(rows), seq: this.#seq });
  }

  /** These windows and the newest, newest first. */
  withNewest(starts: Iterable<number>): number[] {
    let newest = -Infinity;
    for (const start of this.#windows.keys()) newest = Math.max(newest, start);
    return [...new Set(starts).add(newest)].toSorted((a, b) => b - a);
  }

  /** All rows of these windows, in their order. */
  rowsOf(starts: readonly number[]): string[] {
    return starts.flatMap((start) => [...(this.#windows.get(start)?.rows.values() ?? [])].map((row) => row.text));
  }

  /** The rows that changed after `seq`, newest window first. */
  since(seq: number): string[] {
    const changed = [...this.#windows].filter(([, window]) => window.seq > seq).toSorted(([a], [b]) => b - a);
    return changed.flatMap(([, window]) =>
      [...window.rows.values()].filter((row) => row.seq > seq).map((row) => row.text),
    );
  }

  /** Lets go of the windows that begin before this moment (ms). */
  dropBefore(oldest: number): void {
    for (const [start, window] of this.#windows) {
      if (start >= oldest) continue;
      this.#windows.delete(start);
      this.#rows -= window.rows.size;
    }
  }

  /** Keeps the bounds. `sentToAll`: up to here every subscriber has been sent. The newest window always stays. */
  evict(bounds: HeldBounds, sentToAll: number): void {
    if (this.#rows <= bounds.rowsKept) return;
    const oldestFirst = [...this.#windows.keys()].toSorted((a, b) => a - b).slice(0, -1);
    for (const start of oldestFirst) {
      const window = this.#windows.get(start)!;
      if (this.#rows <= bounds.rowsKept) return;
      if (window.seq > sentToAll && this.#rows <= bounds.rowsMax) continue;
      if (window.seq > sentToAll) this.#lostSeq = Math.max(this.#lostSeq, window.seq);
      this.#windows.delete(start);
      this.#rows -= window.rows.size;
    }
  }
}

/** The window with its new rows; those with an unchanged value keep their number. */
function renewed(
  before: HeldWindow | undefined,
  rows: readonly WindowRow[],
  { seq, keys }: { readonly seq: number; readonly keys: number },
): HeldWindow {
  const next = new Map<string, HeldRow>();
  let newest = before?.seq ?? 0;
  for (const row of rows) {
    const key = JSON.stringify(row.group);
    const text = rowText(row, keys);
    const old = before?.rows.get(key);
    const held = old?.text === text ? old : { text, seq };
    newest = Math.max(newest, held.seq);
    next.set(key, held);
  }
  return { rows: next, seq: newest };
}

/** The overflow has null for every key, and says behind its value what it is. */
function rowText(row: WindowRow, keys: number): string {
  const isOverflow = row.group.length < keys;
  if (isOverflow)
    return JSON.stringify([formatTime(row.windowStart), ...Array<null>(keys).fill(null), row.value, "overflow"]);
  return JSON.stringify([formatTime(row.windowStart), ...row.group, row.value]);
}
