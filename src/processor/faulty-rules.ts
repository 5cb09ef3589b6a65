import type { OffsetRange } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { RollupPlan } from "../rollup/plan.ts";
import { isDamaged } from "../store/damaged.ts";
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

/** Somebody else goes on with what was to be written: another process, or the next start. What of it is there is not known. */
export const hasEnded = (error: unknown): boolean =>
  isTaken(error) || (error instanceof WeirError && error.code === "stopping");

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

/** The plan of some rules, in the form that was refused: another one may be taken. */
export type PlanOf = (some: readonly Target[]) => RollupPlan;

/**
 * Finds which of these rules the store refuses to roll up over a range; nothing is written. Those that are refused by
 * themselves are found by halving. Where only all together are too much, it is the newest: those that were counted before
 * they came go on. None of them is at fault when all are taken, or when not even a rollup of no rules is: then it is the store's own.
 * Nor is any where files of the store are damaged, which says nothing of the rules that read them.
 */
export async function faultyRules(
  ...asked: readonly [store: Pick<Store, "tryRollUp">, targets: readonly Target[], range: OffsetRange, planOf: PlanOf]
): Promise<readonly Faulty[]> {
  try {
    return await foundFaulty(...asked);
  } catch (error) {
    if (isDamaged(error)) return [];
    throw error;
  }
}

async function foundFaulty(
  store: Pick<Store, "tryRollUp">,
  targets: readonly Target[],
  range: OffsetRange,
  planOf: PlanOf,
): Promise<readonly Faulty[]> {
  const refusal = async (some: readonly Target[]): Promise<WeirError | undefined> => {
    try {
      await store.tryRollUp(range, planOf(some));
      return undefined;
    } catch (error) {
      if (isRefused(error)) return error;
      throw error;
    }
  };
  if ((await refusal([])) !== undefined) return [];
  const error = await refusal(targets);
  if (error === undefined) return [];
  const alone = await refusedAlone(targets, error, refusal);
  return alone.length > 0 ? alone : newestTooMany(targets, error, refusal);
}

type Refusal = (some: readonly Target[]) => Promise<WeirError | undefined>;

/** Of rules that were refused together. */
async function refusedAlone(some: readonly Target[], error: WeirError, refusal: Refusal): Promise<readonly Faulty[]> {
  if (some.length === 1) return [{ target: some[0]!, reason: reasonOf(error) }];
  const middle = some.length >> 1;
  const found: Faulty[] = [];
  for (const half of [some.slice(0, middle), some.slice(middle)]) {
    const again = half.length === 0 ? undefined : await refusal(half);
    if (again !== undefined) found.push(...(await refusedAlone(half, again, refusal)));
  }
  return found;
}

/** As few of the newest as it takes for the others to be taken, by halving too. */
async function newestTooMany(
  targets: readonly Target[],
  error: WeirError,
  refusal: Refusal,
): Promise<readonly Faulty[]> {
  const byAge = targets.toSorted((a, b) => a.series - b.series);
  let [taken, refused, last] = [0, byAge.length, error];
  while (refused - taken > 1) {
    const middle = (taken + refused) >> 1;
    const again = await refusal(byAge.slice(0, middle));
    if (again === undefined) taken = middle;
    else [refused, last] = [middle, again];
  }
  const reason = `with ${taken} older rules it is more than the store computes at once; ${reasonOf(last)}`;
  return byAge.slice(taken).map((target) => ({ target, reason }));
}
