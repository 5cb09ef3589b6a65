import type { LiveErrorCode } from "../../protocol/live.ts";
import type { Line, Standing } from "./machine.ts";

/** Where a client is after a message: in which epoch, at which number. */
export interface Place {
  readonly epoch: string;
  readonly seq: number;
}

/** What a message does to where its client is with a rule; null: what it had is void. */
export interface Mark {
  readonly ruleId: string;
  readonly place: Place | null;
}

/** A client, as far as its subscriptions need it. */
export interface ExactClient {
  line(): Line;
  /** Sends, whatever the line. `isSnapshot`: it may take a while to be read. */
  push(text: string, mark?: Mark, isSnapshot?: boolean): void;
  /** The rule is watched no longer; why. */
  ended(ruleId: string, code: LiveErrorCode, message: string): void;
}

/** A client's interest in one rule; times are ms. */
export interface ExactSubscriber {
  readonly client: ExactClient;
  /** From which window on it wants to know; null: the newest few. */
  asked: number | null;
  /** From which window on it is told; null: that is not known yet. */
  from: number | null;
  /** Of what it asked for the oldest windows are left out. */
  isCut: boolean;
  /** What it has may be complete, and was not called so. */
  isDoubtful: boolean;
  intervalMs: number;
  standing: Standing;
  /** Changes may go out from then on; by the monotonic clock. */
  dueAt: number;
  /** When it was told something last. */
  toldAt: number;
}
