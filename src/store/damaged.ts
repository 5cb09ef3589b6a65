import { WeirError } from "../lib/errors.ts";

/** Files of the store can't be read, whatever it is asked to make of them. */
export const isDamaged = (error: unknown): error is WeirError =>
  error instanceof WeirError && error.code === "store_damaged";

/**
 * How long work is left alone that damaged files keep from being done: somebody has to mend them, and each try costs the engine up to
 * minutes.
 */
export const restOfDamagedMs = 600_000;
