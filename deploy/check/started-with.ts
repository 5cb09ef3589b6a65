import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/options.ts";
import { printProblems } from "../../src/config/print.ts";

/** What Weir makes of the environment of a container. @throws Error with all that it would end with. */
export function startedWith(environment: Readonly<Record<string, string | number>>): Config {
  const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
  const readFile = (path: string): never => {
    throw new Error(`there is no ${path} in a container`);
  };
  const loaded = loadConfig({ argv: ["serve"], env, readFile });
  if (!loaded.ok) throw new Error(printProblems(loaded.problems));
  return loaded.config;
}
