import type { Kind } from "./kind.ts";

export interface Option<T> {
  /** As in `--data-dir`; the environment's name and the key in the file come from it. */
  readonly name: string;
  readonly kind: Kind<T>;
  readonly default: T;
  readonly description: string;
  readonly group: "Where" | "Limits" | "Pace" | "Live" | "Logs" | "Larger than one machine";
  /** Given several times it is all of them, with commas between; else the last one wins. */
  readonly joined?: true;
  /** May hold a password: shown without. `whole`: is one, and not shown at all. */
  readonly secret?: true | "whole";
}

export const option = <T>(declared: Option<T>): Option<T> => declared;
