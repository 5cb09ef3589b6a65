import { formatTime } from "../lib/rfc3339.ts";
import type { WindowRow } from "../store/store.ts";

interface HeldRow {
  /** As it is pushed: `[window_start, …groups, value]`. */
  readonly text: string;
  /** Of the text. */
  readonly textBytes: number;
  /** All that it takes. */
  readonly bytes: number;
  /** The sequence number of the read that found this value. */
  readonly seq: number;
}

interface HeldWindow {
  readonly rows: ReadonlyMap<string, HeldRow>;
  /** Of its rows. */
  readonly bytes: number;
  /** The newest of its rows' numbers. */
  readonly seq: number;
}

export interface HeldBounds {
  /** Above this many rows or bytes, windows that everybody has been sent are let go, oldest first. */
  readonly rowsKept: number;
  readonly heldBytesKept: number;
  /** Above this many, also those that someone has not been sent. */
  readonly rowsMax: number;
  readonly heldBytesMax: number;
}

/**
 * The last known rows of a rule's windows, each with the sequence number at which it changed: what a subscriber that has
 * everything up to `n` lacks are the rows with a number above `n`. Windows are kept whole or not at all.
 */
export class HeldWindows {
  readonly #windows = new Map<number, HeldWindow>();
  readonly #keys: number;
  readonly #windowBytesMax: number;
  #rows = 0;
  #bytes = 0;
  #seq = 0;
  #lostSeq = 0;
  /** Of those that lie ahead of the clock, some that begin below this moment may be lacking. */
  #wholeFrom = -Infinity;

  /** `keys`: how many group keys the rule has. Of a window's rows no more bytes are held, as they are pushed, than `windowBytesMax`. */
  constructor(keys: number, windowBytesMax = Infinity) {
    this.#keys = keys;
    this.#windowBytesMax = windowBytesMax;
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

  /** What all rows take. */
  get bytes(): number {
    return this.#bytes;
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

  /**
   * Takes in what was just read: for each window all its rows, in order; none when it has gone.
   * @returns the windows with more bytes than are held of one: their last rows are left out.
   */
  apply(windows: Iterable<readonly [start: number, rows: readonly WindowRow[]]>): ReadonlySet<number> {
    const seq = this.#seq + 1;
    const cut = new Set<number>();
    for (const [start, rows] of windows) {
      const window = renewed(this.#windows.get(start), rows, { seq, keys: this.#keys, bytesMax: this.#windowBytesMax });
      if (window.rows.size < rows.length) cut.add(start);
      this.#remove(start);
      if (window.rows.size > 0) this.#set(start, window);
      if (window.seq === seq) this.#seq = seq;
    }
    return cut;
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
    this.#windows.set(start, { ...window, rows: new Map(rows), seq: this.#seq });
  }

  /** These windows, the newest that has begun by the clock, and all that begin later; these last, as of too much the last is cut. */
  withNewest(starts: Iterable<number>, now: number): number[] {
    const newest = this.#newestBegun(now);
    const ahead = [...this.#windows.keys()].filter((start) => start >= newest);
    const newestFirst = [...new Set([...starts, ...ahead])].toSorted((a, b) => b - a);
    return [...newestFirst.filter((start) => start <= now), ...newestFirst.filter((start) => start > now)];
  }

  /** Those that lie ahead of the clock were read anew, all that begin at this moment or later. */
  readAhead(wholeFrom: number): void {
    this.#wholeFrom = wholeFrom;
  }

  /** Whether there may be windows behind the newest that has begun which are not held. */
  lacksAhead(now: number): boolean {
    return this.#newestBegun(now) < this.#wholeFrom;
  }

  #newestBegun(now: number): number {
    return [...this.#windows.keys()].reduce(
      (newest, start) => (start <= now ? Math.max(newest, start) : newest),
      -Infinity,
    );
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
    for (const start of this.#windows.keys()) if (start < oldest) this.#remove(start);
  }

  /**
   * Keeps the bounds. `sentToAll`: up to here every subscriber has been sent. Whoever comes is shown the newest window that has
   * begun, which always stays, and those ahead of the clock.
   */
  evict(bounds: HeldBounds, sentToAll: number, now: number): void {
    const isKept = (): boolean => this.#rows <= bounds.rowsKept && this.#bytes <= bounds.heldBytesKept;
    if (isKept()) return;
    const newest = this.#newestBegun(now);
    for (const start of [...this.#windows.keys()].toSorted((a, b) => a - b)) {
      if (isKept()) return;
      const { seq } = this.#windows.get(start)!;
      const isOwed = seq > sentToAll || start > newest;
      if (start === newest || (isOwed && this.#rows <= bounds.rowsMax && this.#bytes <= bounds.heldBytesMax)) continue;
      if (seq > sentToAll) this.#lostSeq = Math.max(this.#lostSeq, seq);
      if (start > newest) this.#wholeFrom = Math.max(this.#wholeFrom, start + 1);
      this.#remove(start);
    }
  }

  #set(start: number, window: HeldWindow): void {
    this.#windows.set(start, window);
    this.#rows += window.rows.size;
    this.#bytes += window.bytes;
  }

  #remove(start: number): void {
    const window = this.#windows.get(start);
    if (window === undefined) return;
    this.#windows.delete(start);
    this.#rows -= window.rows.size;
    this.#bytes -= window.bytes;
  }
}

interface Renewal {
  readonly seq: number;
  readonly keys: number;
  readonly bytesMax: number;
}

/** The window with its new rows, as many as have room; those with an unchanged value keep their number. */
function renewed(
  before: HeldWindow | undefined,
  rows: readonly WindowRow[],
  { seq, keys, bytesMax }: Renewal,
): HeldWindow {
  const next = new Map<string, HeldRow>();
  let newest = before?.seq ?? 0;
  let [textBytes, bytes] = [0, 0];
  for (const row of rows) {
    const key = JSON.stringify(row.group);
    const text = rowText(row, keys);
    const old = before?.rows.get(key);
    const held = old?.text === text ? old : heldRow(key, text, seq);
    textBytes += held.textBytes;
    if (textBytes > bytesMax) break;
    bytes += held.bytes;
    newest = Math.max(newest, held.seq);
    next.set(key, held);
  }
  return { rows: next, bytes, seq: newest };
}

/** What a row takes beside the characters of its text and its key, as measured. */
const besideBytes = 140;

function heldRow(key: string, text: string, seq: number): HeldRow {
  const textBytes = Buffer.byteLength(text) + 1;
  return { text, textBytes, bytes: textBytes + Buffer.byteLength(key) + besideBytes, seq };
}

/** The overflow has null for every key, and says behind its value what it is. */
function rowText(row: WindowRow, keys: number): string {
  const isOverflow = row.group.length < keys;
  if (isOverflow)
    return JSON.stringify([formatTime(row.windowStart), ...Array<null>(keys).fill(null), row.value, "overflow"]);
  return JSON.stringify([formatTime(row.windowStart), ...row.group, row.value]);
}
