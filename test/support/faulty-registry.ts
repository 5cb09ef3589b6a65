import { WeirError } from "../../src/lib/errors.ts";
import type { Registry } from "../../src/rule/registry.ts";

/** `answer lost`: a change is made, and nobody hears of it. `request lost`: it is not made, and nobody knows. */
export type Weather = "there" | "away" | "answer lost" | "request lost";

export interface FaultyRegistry extends Registry {
  weather: Weather;
}

/** A registry that can be away. What a change may have done is told as an adapter tells it. */
export function faultyRegistry(inner: Registry): FaultyRegistry {
  const call = async <T>(run: () => Promise<T>, changes = false): Promise<T> => {
    const { weather } = registry;
    if (weather === "there" || (weather !== "away" && !changes)) return run();
    if (weather === "answer lost") await run();
    const outcomeUnknown = weather !== "away";
    throw new WeirError("registry_unavailable", `the registry is ${weather}`, { canRetry: true, outcomeUnknown });
  };
  const registry: FaultyRegistry = {
    weather: "there",
    all: () => call(() => inner.all()),
    get: (id) => call(() => inner.get(id)),
    change: (change) => call(() => inner.change(change), true),
    revision: () => call(() => inner.revision()),
    takeSeries: (count) => call(() => inner.takeSeries(count)),
    // Nobody is told, so that what is known is what was learnt in other ways.
    watch: () => () => {},
    trouble: () => inner.trouble(),
    close: () => inner.close(),
  };
  return registry;
}
