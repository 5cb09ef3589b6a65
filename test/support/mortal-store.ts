import { WeirError } from "../../src/lib/errors.ts";
import type { Store } from "../../src/store/store.ts";

/** What befalls a write: it is refused, it is done but its answer is lost, or the process that asks for it dies before or after it. */
export type Fate = "refused" | "answer lost" | "dies before" | "dies after";

/** By the how many-th write, from 1. */
export type Fates = ReadonlyMap<number, Fate>;

export interface MortalStore {
  readonly store: Store;
  /** Whether the process that uses it has died: nothing is answered any more. */
  dead(): boolean;
  /** Resolves when it dies. */
  readonly died: Promise<void>;
  /** How many writes have met their fate. */
  met(): number;
  /** Resolves when nothing that was asked for is still being done. */
  still(): Promise<void>;
  /** What is being done now. */
  underWay(): readonly string[];
}

/** A store as it looks to a process whose writes have such fates. */
export function mortalStore(inner: Store, fates: Fates): MortalStore {
  const underWay = new Map<Promise<unknown>, string>();
  let writes = 0;
  let met = 0;
  let dead = false;
  const died = Promise.withResolvers<void>();
  const die = (): void => {
    dead = true;
    died.resolve();
  };
  const away = (): WeirError =>
    new WeirError("store_unavailable", "there is no answer", { canRetry: true, outcomeUnknown: true });
  const done = async (work: Promise<unknown>, name: string): Promise<unknown> => {
    underWay.set(work, name);
    try {
      return await work;
    } finally {
      underWay.delete(work);
    }
  };
  const write = async (act: () => Promise<unknown>, name: string): Promise<unknown> => {
    writes += 1;
    const fate = fates.get(writes);
    if (fate !== undefined) met += 1;
    if (fate === "dies before") die();
    if (fate === "dies before" || fate === "refused") throw away();
    const answer = await done(act(), name);
    if (fate === "dies after") die();
    if (fate !== undefined) throw away();
    return answer;
  };
  const store = new Proxy(inner, {
    get(_, name) {
      const method: unknown = Reflect.get(inner, name);
      if (typeof method !== "function") return method;
      return async (...given: unknown[]): Promise<unknown> => {
        if (dead) throw away();
        const act = (): Promise<unknown> => Promise.resolve(Reflect.apply(method, inner, given));
        const answer =
          name === "insertRaw" || name === "rollUp" ? await write(act, name) : await done(act(), String(name));
        if (dead) throw away();
        return answer;
      };
    },
  });
  return {
    store,
    dead: () => dead,
    died: died.promise,
    met: () => met,
    still: async () => void (await Promise.allSettled(underWay.keys())),
    underWay: () => [...underWay.values()],
  };
}
