/**
 * Named places in the write path where a test can make the process die. Nothing is armed outside tests; passing an
 * unarmed place costs one comparison.
 */
export const failpoints = [
  "after-log-append",
  "before-ack",
  "mid-bisection",
  "before-reject",
  "after-reject",
  "after-raw",
  "between-parts",
  "after-rollup",
  "before-commit",
  "mid-backfill",
  "before-switch",
  "mid-replay",
  "mid-erasure",
  "rules-half-staged",
  "rules-staged",
  "rules-changed",
] as const;

export type Failpoint = (typeof failpoints)[number];

interface Armed {
  readonly name: Failpoint;
  left: number;
  readonly action: () => void;
}

let armed: Armed | null = null;

/** Runs `action` at the `nth` passing (from 1) of `name`. */
export function armFailpoint(name: Failpoint, nth: number, action: () => void): void {
  armed = { name, left: nth, action };
}

/** Marks the place `name`. */
export function passFailpoint(name: Failpoint): void {
  if (armed === null || armed.name !== name) return;
  armed.left -= 1;
  if (armed.left === 0) armed.action();
}
