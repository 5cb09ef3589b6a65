/** `npm run docs`: writes the tables of docs/operating.md from the declarations. `test/docs.test.ts` holds them equal. */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { environmentName, options } from "../src/config/options.ts";
import type { Option } from "../src/config/options.ts";
import { errorCodes } from "../src/lib/errors.ts";
import { declaredMetrics } from "../src/observe/metrics.ts";

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
    option.later ? "not available yet" : `\`${option.kind.format(option.default)}\``,
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

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(operatingFile, withTables(readFileSync(operatingFile, "utf8")));
}
