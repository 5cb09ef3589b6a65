import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** One command of a document and what the document says that it prints. */
export interface Step {
  readonly command: string;
  readonly printed: string;
  /** Of the command, from 1. */
  readonly line: number;
}

/**
 * The commands of all ```console blocks, in order. A line that begins with `$ ` begins a command; lines that are
 * indented by two spaces go on with it; the others are what it prints.
 */
export function steps(markdown: string): Step[] {
  const found: { command: string; printed: string; line: number }[] = [];
  let inside = false;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (line.startsWith("```")) inside = line === "```console";
    else if (!inside) continue;
    else if (line.startsWith("$ ")) found.push({ command: line.slice(2), printed: "", line: index + 1 });
    else if (line.startsWith("  ") && found.at(-1)?.printed === "") found.at(-1)!.command += `\n${line}`;
    else if (found.length > 0) found.at(-1)!.printed += `${line}\n`;
  }
  return found;
}

/** Runs a command as a reader would, with the addresses of the document replaced by real ones. */
export async function execute(command: string, addresses: Readonly<Record<string, string>>): Promise<string> {
  const real = Object.entries(addresses).reduce((text, [told, actual]) => text.replaceAll(told, actual), command);
  const { stdout } = await run("bash", ["-c", real], { timeout: 30_000 });
  return stdout.endsWith("\n") ? stdout : `${stdout}\n`;
}

/**
 * Makes two runs comparable: what depends on the moment is replaced, in the document and in the answer alike: tokens,
 * `lag_ms`, and the times of `*_at` and `time`. Event times and windows stay and have to be equal.
 */
export function comparable(output: string): string {
  return output
    .replaceAll(/"token":"[\w-]+"/g, '"token":"…"')
    .replaceAll(/"lag_ms":\d+/g, '"lag_ms":0')
    .replaceAll(/"(time|\w+_at)":"[\d:.TZ-]+"/g, '"$1":"…"');
}
