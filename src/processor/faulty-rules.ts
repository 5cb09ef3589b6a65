import type { OffsetRange } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { planRollup } from "../rollup/plan.ts";
import type { Store } from "../store/store.ts";
import type { Target } from "./ports.ts";

/** A rule that the store can't compute over a range. */
export interface Faulty {
  readonly target: Target;
  /** For people. */
  readonly reason: string;
}

export const isRefused = (error: unknown): error is WeirError =>
  error instanceof WeirError && error.code === "store_refused";

/** Another process writes to the store in this one's place, which must end. */
export const isTaken = (error: unknown): error is WeirError =>
  error instanceof WeirError && error.code === "store_taken";

/** Why the store refused something, for people. */
export function reasonOf({ details }: WeirError): string {
  const known = typeof details === "object" && details !== null && "reason" in details ? details.reason : undefined;
  return typeof known === "string" ? known : "the store refused it";
}

/** Of the rows that were written together, from 0, the one that the store names; undefined when it names none. */
export function rowOf({ details }: WeirError): number | undefined {
  const known = typeof details === "object" && details !== null && "row" in details ? details.row : undefined;
  return typeof known === "number" ? known : undefined;
}

/**
 * Finds by halving which of these rules the store refuses to roll up over a range; nothing is written. None of them is at
 * fault when each is taken by itself, or when not even a rollup of no rules is: then it is the store's own.
 */
export async function faultyRules(
  store: Pick<Store, "tryRollUp">,
  targets: readonly Target[],
  range: OffsetRange,
): Promise<readonly Faulty[]> {
  const refusal = async (some: readonly Target[]): Promise<WeirError | undefined> => {
    try {
      await store.tryRollUp(range, planRollup(some));
      return undefined;
    } catch (error) {
      if (isRefused(error)) return error;
      throw error;
    }
  };
  const find = async (some: readonly Target[]): Promise<readonly Faulty[]> => {
    const error = some.length === 0 ? undefined : await refusal(some);
    if (error === undefined) return [];
    if (some.length === 1) return [{ target: some[0]!, reason: reasonOf(error) }];
    const middle = some.length >> 1;
    return [...(await find(some.slice(0, middle))), ...(await find(some.slice(middle)))];
  };
  return (await refusal([])) === undefined ? find(targets) : [];
}
