import type { Acknowledged, Latency } from "../../../bench/load/protocol.ts";
import type { Shape } from "../../../bench/load/shape.ts";

/** What a flood is told, as JSON in its first argument. */
export interface FloodOrder {
  readonly url: string;
  readonly shape: Shape;
  readonly connections: number;
  /** 0: as fast as answers come. */
  readonly requestsPerSecond: number;
  /** For each request that is acknowledged so many more are offered beside those of `requestsPerSecond`. */
  readonly forEachTaken: number;
  readonly seconds: number;
  /** Whether a connection that was refused waits as long as it was advised to. */
  readonly obeys: boolean;
}

/** What a flood tells when it is over. */
export interface FloodResult {
  readonly seconds: number;
  /** Of requests that were acknowledged, from their own sending to their answer, ms. */
  readonly latency: Latency;
  readonly acknowledged: readonly Acknowledged[];
  readonly acknowledgedRequests: number;
  /** Answers other than 200, by status. */
  readonly refused: Readonly<Record<string, number>>;
  /** How many refusals advised to come back after so many seconds; `none` did not. */
  readonly advised: Readonly<Record<string, number>>;
  /** Requests without an answer. */
  readonly unknown: number;
}
