/**
 * `npm run docs`: writes the tables of docs/operating.md from the declarations, and the client's types from the schemas.
 * `test/docs.test.ts` and `client/src/wire.test.ts` hold them equal.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { environmentName, options } from "../src/config/options.ts";
import type { Option } from "../src/config/option.ts";
import { errorCodes } from "../src/lib/errors.ts";
import { declaredMetrics } from "../src/observe/metrics.ts";
import { wireFile, wireTypes } from "./client-types.ts";

export const operatingFile = new URL("../docs/operating.md", import.meta.url);

/** The document with its generated tables as they ought to be. */
export function withTables(text: string): string {
  return Object.entries({ metrics: metricsTable(), options: optionsTable(), errors: errorsTable() }).reduce(
    replaceSection,
    text,
  );
}

function replaceSection(text: string, [name, table]: [string, string]): string {
  const section = new RegExp(`(<!-- ${name}: [^\\n]*-->\\n)[^]*?(<!-- /${name} -->)`);
  if (!section.test(text)) throw new Error(`docs/operating.md lacks the section ${name}`);
  return text.replace(section, (_all, begin: string, end: string) => `${begin}\n${table}\n\n${end}`);
}

function optionsTable(): string {
  const rows = Object.values(options).map((option: Option<unknown>) => [
    `\`--${option.name}\``,
    `\`${environmentName(option.name)}\``,
    `\`${option.kind.format(option.default)}\``,
    option.description,
  ]);
  return table(["option", "environment", "default", "meaning"], rows);
}

function metricsTable(): string {
  const rows = Object.values(declaredMetrics).map((metric) => [
    `\`${metric.name}\``,
    metric.type + ("labels" in metric ? ` by ${metric.labels.join(", ")}` : ""),
    metric.help,
  ]);
  return table(["metric", "kind", "meaning"], rows);
}

function errorsTable(): string {
  return table(
    ["code", "meaning"],
    Object.entries(errorCodes).map(([code, meaning]) => [`\`${code}\``, meaning]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** As `npm run format` leaves it. */
export function formatted(text: string): string {
  const program = fileURLToPath(new URL("../node_modules/.bin/oxfmt", import.meta.url));
  return execFileSync(program, ["--stdin-filepath", "wire.ts"], { input: text, encoding: "utf8" });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(operatingFile, withTables(readFileSync(operatingFile, "utf8")));
  writeFileSync(wireFile, formatted(wireTypes()));
}
