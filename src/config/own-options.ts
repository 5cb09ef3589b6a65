import { loadOptions } from "./load-options.ts";
import { clientOptions, demoOptions, upkeepOptions } from "./options.ts";
import type { Option } from "./option.ts";
import { rejectsOptions, sendOptions } from "./send-options.ts";

/** Options of one command or a few, by the command: what is done this time, and so given on the command line only. */
const byCommand: Readonly<Record<string, Readonly<Record<string, Option<unknown>>>>> = {
  demo: demoOptions,
  rules: clientOptions,
  stats: clientOptions,
  tail: clientOptions,
  send: sendOptions,
  load: loadOptions,
  rejects: rejectsOptions,
  verify: upkeepOptions,
  rebuild: upkeepOptions,
};

export const ownOptions = (command: string): readonly Option<unknown>[] => Object.values(byCommand[command] ?? {});

/** Of any command: names without dashes. */
export const ownNames: readonly string[] = [
  ...new Set(Object.keys(byCommand).flatMap((command) => ownOptions(command).map(({ name }) => name))),
];

/** The commands that have an option of this name, without dashes, as their own. */
export const commandsWith = (option: string): readonly string[] =>
  Object.keys(byCommand).filter((command) => ownOptions(command).some(({ name }) => name === option));
