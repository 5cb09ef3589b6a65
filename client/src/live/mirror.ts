import type { LiveDelta, LiveError, LiveFinal, LiveHeartbeat, LiveReset, LiveSnapshot, StatsRow } from "../wire.ts";

/** What a server sends in the mode `delta`. */
export type LiveMessage = LiveSnapshot | LiveDelta | LiveFinal | LiveHeartbeat | LiveReset | LiveError;

/** Where a client is with a rule, to be given back as `resume`. */
export interface Place {
  readonly epoch: string;
  readonly seq: number;
}

/**
 * nothing: asked for, and a snapshot is owed. following: everything up to `seq` is there. void: what there is was called void, a
 * snapshot follows. over: the server watches it no longer.
 */
export type MirrorPhase = "nothing" | "following" | "void" | "over";

/** What a message has done: `broken` is what no server says after what it said before, so that something was lost. */
export type Verdict = "changed" | "same" | "broken" | "over";

/**
 * What a client has of one rule: the table of docs/protocol.md from the client's side. Without time and effects. What was there
 * before a reset or a break can still be read, until a snapshot takes its place.
 */
export class Mirror {
  #phase: MirrorPhase = "nothing";
  #head: Pick<LiveSnapshot, "epoch" | "seq" | "version" | "from" | "complete" | "truncated"> | undefined;
  /** By the beginning of the window, all of its rows. */
  #windows = new Map<string, readonly StatsRow[]>();
  #rows: readonly StatsRow[] | undefined;
  /** Messages of a subscription of before may still be on their way, until the snapshot of this one. */
  #hasForerunner = false;
  error: LiveError | undefined;

  get phase(): MirrorPhase {
    return this.#phase;
  }

  get head(): Readonly<Pick<LiveSnapshot, "version" | "from" | "complete" | "truncated">> | undefined {
    return this.#head;
  }

  /** What to resume from; undefined when there is nothing that still holds. */
  get place(): Place | undefined {
    return this.#phase === "following" && this.#head ? { epoch: this.#head.epoch, seq: this.#head.seq } : undefined;
  }

  /** All rows in the order of `/stats`; the same list until something changes. */
  get rows(): readonly StatsRow[] {
    // A server writes all times alike, so that their texts are in their order.
    return (this.#rows ??= [...this.#windows].sort(([a], [b]) => (a < b ? 1 : -1)).flatMap(([, rows]) => rows));
  }

  /** The subscription begins anew: a snapshot will come. */
  startAnew(hasForerunner = false): void {
    this.#phase = "nothing";
    this.#hasForerunner = hasForerunner;
  }

  take(message: LiveMessage): Verdict {
    switch (message.type) {
      case "snapshot":
        return this.#snapshot(message);
      case "delta":
        return this.#follows(message.prev) ? this.#delta(message) : this.#unexpected();
      case "final":
        return this.#phase === "following" ? this.#final(message) : this.#unexpected();
      case "heartbeat":
        return this.#follows(message.seq) ? "same" : this.#unexpected();
      case "reset":
        this.#phase = "void";
        return "changed";
      case "error":
        this.#phase = "over";
        this.error = message;
        return "over";
    }
  }

  #follows(seq: number): boolean {
    return this.#phase === "following" && this.#head?.seq === seq;
  }

  #unexpected(): Verdict {
    return this.#phase === "nothing" && this.#hasForerunner ? "same" : "broken";
  }

  #snapshot({ epoch, seq, version, from, complete, truncated, rows }: LiveSnapshot): Verdict {
    this.#head = { epoch, seq, version, from, complete, ...(truncated && { truncated }) };
    this.#windows = byWindow(rows);
    this.#phase = "following";
    this.#hasForerunner = false;
    this.#rows = undefined;
    return "changed";
  }

  #delta({ rows, gone = [], seq }: LiveDelta): Verdict {
    for (const [start, ofWindow] of byWindow(rows)) this.#windows.set(start, ofWindow);
    for (const start of gone) this.#windows.delete(start);
    if (this.#head) this.#head = { ...this.#head, seq };
    this.#rows = undefined;
    return "changed";
  }

  #final({ window_start, window_end }: LiveFinal): Verdict {
    const rows = this.#windows.get(window_start);
    // Of cumulative windows several begin at once: only those with this end have closed.
    if (!rows?.some((row) => row.window_end === window_end && !row.final)) return "same";
    const closed = rows.map((row) => (row.window_end === window_end ? { ...row, final: true } : row));
    this.#windows.set(window_start, closed);
    this.#rows = undefined;
    return "changed";
  }
}

function byWindow(rows: readonly StatsRow[]): Map<string, StatsRow[]> {
  const windows = new Map<string, StatsRow[]>();
  for (const row of rows) {
    const ofWindow = windows.get(row.window_start);
    if (ofWindow) ofWindow.push(row);
    else windows.set(row.window_start, [row]);
  }
  return windows;
}
