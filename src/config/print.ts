import type { Problem } from "../lib/errors.ts";
import { withoutSecrets } from "../lib/url-secrets.ts";
import { optionKeys, options } from "./options.ts";
import type { Option } from "./option.ts";
import type { Config } from "./options.ts";
import { usageOf } from "./command-line.ts";
import type { CommandName } from "./command-line.ts";
import type { Sources } from "./load.ts";

/** What is in force, one option a line with where it comes from; passwords are masked. For `weir config`. */
export function printConfig(config: Config, sources: Sources): string {
  const rows = optionKeys.map((key) => {
    const option: Option<unknown> = options[key];
    return [option.name, shown(option, config[key]), sources[key]] as const;
  });
  const wide = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length));
  return (
    rows.map(([name, value, source]) => `${name.padEnd(wide(0))}  ${value.padEnd(wide(1))}  ${source}`).join("\n") +
    "\n"
  );
}

/** All problems, for people. */
export function printProblems(problems: readonly Problem[], command: CommandName = "serve"): string {
  const lines = problems.map(
    ({ path, message, value }) => `  ${path}${value === undefined ? "" : ` = ${JSON.stringify(value)}`}: ${message}`,
  );
  const what = command === "serve" ? "Weir can't start with this configuration" : `weir ${command} can't be run so`;
  const head = problems.length === 1 ? `${what}:` : `${what} (${problems.length} problems):`;
  const usage = `Usage: weir ${command} ${usageOf(command)}; \`weir ${command} --help\` lists the options.`;
  return [head, ...lines, ...(command === "serve" ? [] : [usage])].join("\n") + "\n";
}

function shown(option: Option<unknown>, value: unknown): string {
  const text = option.kind.format(value);
  if (option.secret === "whole") return text === option.kind.nothing ? text : "***";
  return option.secret ? withoutSecrets(text) : text;
}
