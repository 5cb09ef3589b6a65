/** How sockets read: everything at once, a piece now and then, or nothing. */
export type Reading = "all" | "slowly" | "never";

/** What sockets ask for: pushes, or numbered changes, which they put together (docs/protocol.md). */
export type Mode = "plain" | "delta";
export const modes: readonly Mode[] = ["plain", "delta"];

export interface OpenOrder {
  readonly type: "open";
  readonly url: string;
  readonly sockets: number;
  readonly perSecond: number;
  readonly rules: readonly string[];
  readonly reading: Reading;
  readonly mode: Mode;
  /** How often it asks to be pushed at most, ms; default 250. */
  readonly intervalMs?: number;
}

/**
 * To open sockets; to tell the delays of ticks that were sent at these moments; to tell what was put together; to read what
 * was not, and tell the ends.
 */
export type Order =
  | OpenOrder
  | { readonly type: "delays"; readonly ticks: readonly Tick[] }
  | { readonly type: "assembled" }
  | { readonly type: "ends" };

export interface Tick {
  /** Its number, which is the value that is pushed. */
  readonly value: number;
  /** Ms since the epoch, by a clock that all processes share. */
  readonly sentAt: number;
}

export type Told =
  | { readonly type: "opened"; readonly ms: number; readonly failed: readonly string[] }
  /** One for each socket and tick; `missing`: those that a socket never got. */
  | { readonly type: "delays"; readonly ms: readonly number[]; readonly missing: number }
  /** What sockets of the mode `delta` have: the rows of each rule as JSON, or what was wrong; the same is told once. */
  | { readonly type: "assembled"; readonly outcomes: readonly string[] }
  /** Code and reason of the close frames, an empty text where none came. */
  | { readonly type: "ends"; readonly ends: readonly string[] };

/** Ms since the epoch with a fraction. */
export const sharedNow = (): number => performance.timeOrigin + performance.now();
