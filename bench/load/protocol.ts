import type { Shape } from "./shape.ts";

/** What the generator process is told, as JSON in its first argument. */
export interface LoadOrder {
  readonly url: string;
  readonly shape: Shape;
  readonly connections: number;
  /** Requests per second at fixed intended times (open loop); absent: as fast as answers come (closed loop). */
  readonly requestsPerSecond?: number;
  /** Sent but not measured. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** `n` requests of body number `body` were acknowledged, whose events carry times of this second. */
export interface Acknowledged {
  readonly second: number;
  readonly body: number;
  readonly n: number;
}

export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  /** Measured time, without the warm-up. */
  readonly seconds: number;
  /** Acknowledged in the measured time. */
  readonly requests: number;
  readonly events: number;
  /** Milliseconds from the intended moment of sending to the whole answer. */
  readonly latency: Latency;
  /** Answers other than 200, by status, over the whole run. */
  readonly refused: Readonly<Record<string, number>>;
  /** Requests whose outcome is not known. */
  readonly unknown: number;
  readonly cpuSeconds: number;
  /** Everything acknowledged, the warm-up's too. */
  readonly acknowledged: readonly Acknowledged[];
}

/** What the generator sends back, in this order. */
export type LoadMessage = { readonly type: "measuring" } | { readonly type: "done"; readonly result: LoadResult };

/** What it takes while it runs: a new rate in the open loop, or an early end. */
export type LoadCommand = { readonly type: "rate"; readonly requestsPerSecond: number } | { readonly type: "stop" };
