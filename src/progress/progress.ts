import type { OffsetRange } from "../event/position.ts";

/** What one processed batch has changed. */
export interface Touched {
  readonly range: OffsetRange;
  /** Event-time seconds (epoch) in which events of the batch lie, ascending; null: too many to list, take all as touched. */
  readonly seconds: readonly number[] | null;
  /** Another process says so: the store may have had it for some time, and before earlier batches were told of. */
  readonly elsewhere?: true;
}

/** How far counting is. Written by the processor, read by ingest (`wait=counted`), query and live. */
export interface Progress {
  /** Whether every position of the ranges is in the raw store and in every active rule. */
  isCounted(ranges: readonly OffsetRange[]): boolean;
  /** Resolves true once they are counted, false when the signal aborts first. */
  waitCounted(ranges: readonly OffsetRange[], signal: AbortSignal): Promise<boolean>;
  /**
   * Somebody wants to see what was counted last, every `everyMs` at least, until the returned function is called: who
   * counts in this process takes its time otherwise. `waitCounted` says so itself.
   */
  want(everyMs: number): () => void;
  /** Every event acknowledged before this moment (ms since the epoch) is counted. */
  countedThrough(): number;
  /** How long the oldest event that is not counted has waited, in whole ms; 0 when there is none, and for a moment when nobody knows whether there is one. */
  lagMs(): number;
  /** Calls `listener` after each batch is counted. Returns how to stop. */
  onTouched(listener: (touched: Touched) => void): () => void;
  /** Calls `listener` when windows of a series changed by other means than new events (filled, dropped, switched). */
  onSeriesChanged(listener: (series: number) => void): () => void;
}
