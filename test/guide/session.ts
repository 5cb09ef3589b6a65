import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const patienceMs = 120_000;

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
  const { stdout } = await run("bash", ["-c", real], { timeout: patienceMs });
  return stdout === "" || stdout.endsWith("\n") ? stdout : `${stdout}\n`;
}

/** Counts that a slow engine has not told in time: null, of which `grep` may leave nothing. */
const untold = /"(skipped|late|groups|overflowed)":(null|$)/m;
/** A command that only reads, of whose answer `grep` finds nothing while the counts are null. */
const isQuestion = (command: string): boolean => /^(sleep \d+; )?curl -s \S+ \| grep /.test(command);

/** What a command prints once all counts in it are told: a reader would ask again. Rules may be posted more than once. */
async function executeTold(
  { command }: Step,
  functions: string,
  addresses: Readonly<Record<string, string>>,
): Promise<string> {
  for (const end = performance.now() + patienceMs; ; await sleep(200)) {
    const isLast = performance.now() > end;
    const printed = await execute(functions + command, addresses).catch((error: { code?: unknown }) => {
      if (error.code !== 1 || !isQuestion(command) || isLast) throw error;
    });
    if (printed !== undefined && (isLast || !untold.test(printed))) return printed;
  }
}

/** Whether a command only names a shell function, for those that come after it. */
const isFunction = (command: string): boolean => /^\w+\(\) \{[^]*\}$/.test(command);

/** What each command printed, in one shell as it were: functions stay. `then` is waited for after every command. */
export async function executeAll(
  session: readonly Step[],
  addresses: Readonly<Record<string, string>>,
  then: (step: Step) => Promise<void> = async () => {},
): Promise<string[]> {
  const printed: string[] = [];
  let functions = "";
  for (const step of session) {
    printed.push(await executeTold(step, functions, addresses));
    if (isFunction(step.command)) functions += `${step.command}\n`;
    await then(step);
  }
  return printed;
}

/** Every command that printed something else than its document says, with page, line and both texts. */
export function differences(page: string, session: readonly Step[], printed: readonly string[]): string[] {
  return session.flatMap(({ command, printed: told, line }, index) => {
    const came = comparable(printed[index] ?? "");
    if (came === comparable(told)) return [];
    return [`${page}:${line}: ${command}\n  the page says\n${comparable(told)}  it prints\n${came}`];
  });
}

/**
 * Makes two runs comparable: what depends on the moment is replaced, in the document and in the answer alike: tokens,
 * `lag_ms`, times in an `ETag`, epochs and ids of the live feed, the id and digest of an erasure, the times of `*_at`, `time` and `kept_until`. Event times and windows stay and have to be equal.
 */
export function comparable(output: string): string {
  return output
    .replaceAll(/"token":"[\w-]+"/g, '"token":"…"')
    .replaceAll(/"erasure_id":"[\w-]+"/g, '"erasure_id":"…"')
    .replaceAll(/"digests":\["\w+"\]/g, '"digests":["…"]')
    .replaceAll(/"epoch":"[\w.]+"/g, '"epoch":"…"')
    .replaceAll(/^id: [\w.~-]+$/gm, "id: …")
    .replaceAll(/^etag: "(\d+)@[\d:.TZ-]+"$/gm, 'etag: "$1@…"')
    .replaceAll(/"lag_ms":\d+/g, '"lag_ms":0')
    .replaceAll(/"(time|\w+_at|kept_until)":"[\d:.TZ-]+"/g, '"$1":"…"');
}
