import { WeirError } from "../../src/lib/errors.ts";
import type { Registry } from "../../src/rule/registry.ts";
import type { Random } from "../support/random.ts";
import type { Life } from "./life.ts";

export interface RegistryFates {
  readonly random: Random;
  /** Of a call being refused. */
  fails(): number;
  passed(place: string): void;
}

/** The registry as one process sees it: each call takes a moment, may be refused, and the process may die before or after it. */
export function mortalRegistry(inner: Registry, life: Life, { random, fails, passed }: RegistryFates): Registry {
  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    await life.sleep(0.05 + random.next());
    if (random.chance(fails()))
      throw new WeirError("registry_unavailable", "the rules can't be reached", { canRetry: true });
    const found = await run();
    await life.sleep(0);
    return found;
  };
  const write = <T>(name: string, run: () => Promise<T>): Promise<T> =>
    call(async () => {
      passed(`before ${name}`);
      // One that has died does nothing more, and hears nothing of it.
      if (!life.alive) return new Promise<never>(() => {});
      const answer = await run();
      passed(`after ${name}`);
      return answer;
    });
  return {
    all: () => call(() => inner.all()),
    get: (id) => call(() => inner.get(id)),
    revision: () => call(() => inner.revision()),
    change: (change) => write("a change of rules", () => inner.change(change)),
    takeSeries: (count) => write("taking a series", () => inner.takeSeries(count)),
    watch: (changed) =>
      inner.watch(() => {
        if (life.alive) changed();
      }),
    trouble: () => inner.trouble(),
    close: async () => {},
  };
}
