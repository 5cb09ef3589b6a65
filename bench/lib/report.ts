import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../../docs/benchmarks.md", import.meta.url);

const preface = `# Benchmarks

Measured by \`npm run bench\`: the real program, a load generator in a process of its own on the same machine, over
loopback. \`npm run bench -- p1 p3\` runs some of the scenarios; each section below is replaced when its scenario is run
again. CPU is given in cores: 1.00 is one core fully used. *Starved* is the share of the time for which the server's main
thread could have run but had no processor, because the engine, the generator or something else had both.
`;

/** Replaces (or adds) the section of one scenario in docs/benchmarks.md. */
export function writeSection(id: string, title: string, body: string, circumstances: string): void {
  const [begin, end] = [`<!-- bench:${id} -->`, `<!-- /bench:${id} -->`];
  const section = `${begin}\n\n## ${title}\n\n${body.trim()}\n\n${circumstances}\n\n${end}`;
  const text = existing();
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  const replaced =
    from >= 0 && to > from
      ? text.slice(0, from) + section + text.slice(to + end.length)
      : `${text.trimEnd()}\n\n${section}\n`;
  writeFileSync(file, replaced);
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** One with a column for each measurement, and what is measured at the left. */
export function columns(
  what: readonly string[],
  measured: readonly { readonly head: string; readonly cells: readonly string[] }[],
): string {
  const rows = what.map((name, row) => [name, ...measured.map(({ cells }) => cells[row] ?? "")]);
  return table(["", ...measured.map(({ head }) => head)], rows);
}

export const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
export const cores = (value: number): string => value.toFixed(2);

function existing(): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return preface;
  }
}
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
