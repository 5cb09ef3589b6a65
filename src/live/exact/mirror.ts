/** A window as `/stats` has it. */
export interface MirrorWindow {
  /** Its rows as JSON, with commas between. */
  readonly text: string;
  /** Where its rows end that are not final, ms since the epoch. */
  readonly open: readonly number[];
}

interface Held extends MirrorWindow {
  /** The number at which it changed last. */
  readonly seq: number;
  readonly bytes: number;
}

/** A window that changed; without text it has no rows any more. */
export interface Changed {
  readonly start: number;
  readonly text: string | undefined;
}

/**
 * What `/stats` has for a rule from the floor on, as far as it was read, with the number at which each window changed last.
 * What somebody lacks who has everything up to `n` are the windows with a higher number, as they are now: so this is the
 * ring for resuming as well, which reaches back as far as all changes are remembered. Times are ms since the epoch.
 */
export class Mirror {
  readonly #windows = new Map<number, Held>();
  /** Windows that have no rows any more, and since when; those that went last come last. */
  readonly #gone = new Map<number, number>();
  readonly #goneMax: number;
  #seq = 1;
  #bytes = 0;
  #floor = Infinity;
  #knownFrom = 0;
  /** Below this moment, windows were forgotten at this number. */
  #raised = { start: -Infinity, seq: -1 };
  /** Where it began, and how much it held, when older windows were left out. */
  #cut: { readonly floor: number; readonly bytes: number } | undefined;

  /** `goneMax`: of so many windows that are gone it is remembered. */
  constructor(goneMax: number) {
    this.#goneMax = goneMax;
  }

  get seq(): number {
    return this.#seq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Windows that begin here or later are known; Infinity: none. */
  get floor(): number {
    return this.#floor;
  }

  /** Who has seen less than this number lacks changes that are forgotten. */
  get knownFrom(): number {
    return this.#knownFrom;
  }

  get newest(): number | undefined {
    return this.#windows.size === 0 ? undefined : this.starts().reduce((a, b) => Math.max(a, b));
  }

  /** Older windows were left out, and nothing has been let go since. */
  get isFull(): boolean {
    return this.#cut?.floor === this.#floor && this.#bytes >= this.#cut.bytes;
  }

  /** Whether what was asked for has older windows than are known now. */
  noteCut(isCut: boolean): void {
    this.#cut = isCut ? { floor: this.#floor, bytes: this.#bytes } : undefined;
  }

  starts(): number[] {
    return [...this.#windows.keys()];
  }

  /** Whether it is known what has changed, from this window on, since this number. */
  holds(seq: number, from: number): boolean {
    if (seq > this.#seq || seq < this.#knownFrom || from < this.#floor) return false;
    return from >= this.#raised.start || seq > this.#raised.seq;
  }

  /** Older windows become known too: those from `floor` up to where it was. Nobody has been told of any, so they are no change. */
  extend(floor: number, windows: ReadonlyMap<number, MirrorWindow>): void {
    if (floor >= this.#floor) return;
    for (const [start, window] of windows) if (start >= floor && start < this.#floor) this.#set(start, window, 0);
    this.#floor = floor;
  }

  /** In this stretch there are these windows and no others. */
  replace(from: number, to: number, windows: ReadonlyMap<number, MirrorWindow>): void {
    const seq = this.#seq + 1;
    for (const [start, window] of windows)
      if (start >= this.#floor && this.#windows.get(start)?.text !== window.text) this.#change(start, window, seq);
    for (const start of this.starts()) if (from <= start && start < to && !windows.has(start)) this.#drop(start, seq);
  }

  /** The window is another, also when its text is not. */
  change(start: number, window: MirrorWindow): void {
    this.#change(start, window, this.#seq + 1);
  }

  /** The window has closed: its rows say so, and it counts as no change. */
  close(start: number, window: MirrorWindow): void {
    const held = this.#windows.get(start);
    if (held !== undefined) this.#set(start, window, held.seq);
  }

  get(start: number): MirrorWindow | undefined {
    return this.#windows.get(start);
  }

  /** Windows below are not known any more. */
  raise(floor: number): void {
    if (floor <= this.#floor || this.#floor === Infinity) return;
    for (const start of this.starts()) if (start < floor) this.#remove(start);
    for (const start of this.#gone.keys()) if (start < floor) this.#gone.delete(start);
    this.#raised = { start: Math.max(floor, this.#raised.start), seq: this.#seq };
    this.#floor = floor;
  }

  /** Where the newest windows begin that have at most so many bytes together; the newest always counts. */
  floorFor(bytesMax: number): number {
    let left = bytesMax;
    let floor = this.newest ?? this.#floor;
    for (const start of this.starts().toSorted((a, b) => b - a)) {
      left -= this.#windows.get(start)!.bytes;
      if (left < 0) break;
      floor = start;
    }
    return floor;
  }

  /** The windows from `from` on, newest first. */
  all(from: number): string[] {
    return [...this.#windows]
      .filter(([start]) => start >= from)
      .toSorted(([a], [b]) => b - a)
      .map(([, { text }]) => text);
  }

  /** What has changed after a number, newest first. */
  since(seq: number): Changed[] {
    const changed: Changed[] = [];
    for (const [start, window] of this.#windows) if (window.seq > seq) changed.push({ start, text: window.text });
    for (const [start, at] of this.#gone) if (at > seq) changed.push({ start, text: undefined });
    return changed.toSorted((a, b) => b.start - a.start);
  }

  #change(start: number, window: MirrorWindow, seq: number): void {
    this.#seq = seq;
    this.#gone.delete(start);
    this.#set(start, window, seq);
  }

  #drop(start: number, seq: number): void {
    this.#seq = seq;
    this.#remove(start);
    this.#gone.delete(start);
    this.#gone.set(start, seq);
    if (this.#gone.size <= this.#goneMax) return;
    const [oldest, at] = this.#gone.entries().next().value!;
    this.#gone.delete(oldest);
    this.#knownFrom = Math.max(this.#knownFrom, at);
  }

  #set(start: number, { text, open }: MirrorWindow, seq: number): void {
    this.#bytes -= this.#windows.get(start)?.bytes ?? 0;
    const bytes = Buffer.byteLength(text);
    this.#windows.set(start, { text, open, seq, bytes });
    this.#bytes += bytes;
  }

  #remove(start: number): void {
    this.#bytes -= this.#windows.get(start)?.bytes ?? 0;
    this.#windows.delete(start);
  }
}
