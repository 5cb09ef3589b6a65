import type { WeirError } from "../errors.ts";
import type { StatsRow } from "../wire.ts";

/** A rule as a subscriber has it. Never changed: whatever happens makes another one. */
export interface LiveState {
  readonly rule: string;
  /**
   * `connecting`: nothing has come yet. `live`: the rows are what `/stats` answers. `stale`: the rows are of before, because the
   * line is cut, or the server is about to send other ones. `ended`: nothing will come any more, `error` says why.
   */
  readonly status: "connecting" | "live" | "stale" | "ended";
  /** While it is `connecting`: the line to the server is open, and it is the server that has not answered yet. */
  readonly opened?: true;
  /** As `/stats` answers them from `from` on, newest window first. The same list until it changes. */
  readonly rows: readonly StatsRow[];
  /** Of the rule, whose windows these are. */
  readonly version?: number;
  /** The first window that is in `rows`. */
  readonly from?: string;
  /** False while the rule is being filled or paused, or the server has not heard of a change of rules yet: windows may lack events. */
  readonly complete?: boolean;
  /** There are older windows that were asked for, more than are kept live. */
  readonly truncated?: true;
  readonly error?: WeirError;
}

/** How a rule is to be watched. */
export interface WatchOptions {
  /** Between two changes, at least, ms; 50 to 60,000, 250 when left out. */
  readonly intervalMs?: number;
  /** The first window that is wanted: RFC 3339 or ms since the epoch; the newest 60 windows when left out. */
  readonly from?: string | number | Date;
}
