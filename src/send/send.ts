import { Weir } from "../../client/src/weir.ts";
import { explained } from "../commands/message.ts";
import { CommandError } from "../commands/rule-files.ts";
import { harmless } from "../commands/table.ts";
import { sayJson } from "../commands/terminal.ts";
import type { Terminal } from "../commands/terminal.ts";
import type { SendOptions } from "../config/send-options.ts";
import type { Clock } from "../lib/clock.ts";
import { openInput } from "./input.ts";
import type { Input } from "./input.ts";
import { parseMapping } from "./mapping.ts";
import type { Mapping } from "./mapping.ts";
import { showProgress, thousands } from "./progress.ts";
import type { ProgressScreen, Standing } from "./progress.ts";
import { Refusals } from "./refusals.ts";
import { eventMaker } from "./row-event.ts";
import { Sending } from "./sending.ts";
import type { Ended } from "./sending.ts";
import { untilStopped } from "./until-stopped.ts";

export interface SendWish extends SendOptions {
  /** Where events go. */
  readonly address: string;
  /** `-` is the standard input. */
  readonly files: readonly string[];
}

export interface SendDeps {
  readonly terminal: Terminal;
  /** Where progress is shown. */
  readonly screen: ProgressScreen;
  readonly complain: (text: string) => void;
  readonly clock: Clock;
  /** Somebody wants an end. */
  readonly signal: AbortSignal;
  readonly stdin: AsyncIterable<Buffer>;
}

/** 0: all accepted; 1: rows were refused; 2: nobody answers, or a file is no good; 130: it was stopped. */
export type SendCode = 0 | 1 | 2 | 130;

const shownMax = 20;

/** `weir send`: the rows of files as events, a bounded number at a time. Never rejects. */
export async function runSend(wish: SendWish, deps: SendDeps): Promise<SendCode> {
  const mapping = parseMapping(wish.map);
  if (!("fields" in mapping)) {
    for (const problem of mapping) deps.complain(`--map: ${harmless(problem)}\n`);
    return 2;
  }
  const refusals = new Refusals(wish, mapping);
  try {
    checkNames(wish);
    refusals.open();
    if (wish.dryRun === "yes") return await showFirst(wish, mapping, refusals, deps);
    return told(await send(wish, mapping, refusals, deps), refusals, wish, deps);
  } catch (error) {
    if (deps.signal.aborted) return 130;
    deps.complain(`${harmless(explained(error))}\n`);
    return 2;
  } finally {
    refusals.close();
  }
}

/** Ids have the name in them: two files of one name would be taken for the same. */
function checkNames({ files, source }: SendWish): void {
  // A name made of both would be another one when the file is sent alone.
  if (source !== null && files.length > 1)
    throw new CommandError(
      `--source ${source} is the name of one file, and these are ${files.length}: send them one by one, each with a --source of its own, ` +
        `which is ${source}/${nameOf(files[0]!)} (and so on) for what an earlier version has sent by this command`,
    );
  const names = files.map(nameOf);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new CommandError(
      `two files are called ${twice}, and rows without an id are known by it: send them one by one, each with a --source of its own`,
    );
}

const nameOf = (path: string): string => (path === "-" ? "stdin" : path.split("/").at(-1)!);

const inputOptions = (
  { format, delimiter }: SendWish,
  { columns: named }: Mapping,
  { stdin, signal }: Pick<SendDeps, "stdin" | "signal">,
) => ({
  format,
  delimiter,
  stdin,
  signal,
  headed: (file: string, columns: readonly string[]): void => {
    const missing = named.filter((name) => !columns.includes(name) && !columns.includes(name.split(".")[0]!));
    if (missing.length > 0)
      throw new CommandError(
        `${file} has no column ${missing.map((name) => JSON.stringify(name)).join(", ")}; it has ${columns.join(", ")}${delimiterHint(columns)}`,
      );
  },
});

const otherDelimiters = [
  [";", "';'"],
  ["\t", "$'\\t'"],
  ["|", "'|'"],
] as const;

/** Spreadsheets of many countries write semicolons. */
function delimiterHint(columns: readonly string[]): string {
  const found = columns.length === 1 ? otherDelimiters.find(([sign]) => columns[0]!.includes(sign)) : undefined;
  return found === undefined ? "" : `; if these are several, take --delimiter ${found[1]}`;
}

async function send(wish: SendWish, mapping: Mapping, refusals: Refusals, deps: SendDeps): Promise<Ended> {
  const { clock, signal, screen } = deps;
  const weir = new Weir({ ingestUrl: wish.address });
  const { wait, retryForMs } = wish;
  // Those that wait until they are counted wait together.
  const bounds =
    wait === "counted"
      ? { batchEventsMax: 5000, queueEventsMax: 40_000, requestsMax: 4 }
      : { batchEventsMax: 2000, queueEventsMax: 20_000 };
  const sender = weir.sender({ wait, retryForMs, ...bounds });
  const sending = new Sending({ sender, refusals, fromRow: wish.fromRow, skips: refusals.skips, signal, clock });
  let input: Input | undefined;
  const standing = (): Standing => {
    const read = wholeShare(wish.files, input);
    return {
      what: input?.source ?? "",
      done: sending.done,
      refused: refusals.count,
      share: read === null ? null : read * sending.doneShare,
    };
  };
  const stop = showProgress(standing, screen, clock);
  try {
    for (const path of wish.files) {
      input = await openInput(path, inputOptions(wish, mapping, { stdin: deps.stdin, signal: sending.signal }));
      await sending.rows(
        input.rows,
        eventMaker({ mapping, format: input.format, source: wish.source ?? input.source }),
      );
      if (sending.hasStopped) break;
    }
  } catch (error) {
    sending.fail(error);
  } finally {
    await sending.close();
    stop();
  }
  return sending.ended();
}

/** How much has been read. Files count alike: nobody knows how long the later ones are. */
function wholeShare(files: readonly string[], input: Input | undefined): number | null {
  const share = input?.share() ?? null;
  if (input === undefined || share === null) return null;
  return (files.indexOf(input.name) + share) / files.length;
}

function told(ended: Ended, refusals: Refusals, { files }: SendWish, { terminal, complain }: SendDeps): SendCode {
  const { rows, accepted, seconds, nextRow, isComplete, failure, wasStopped } = ended;
  const refused = refusals.count;
  for (const line of refusals.first(shownMax)) complain(`${harmless(line)}\n`);
  if (refused > shownMax) complain(`… and ${thousands(refused - shownMax)} rows more\n`);
  if (failure !== undefined) complain(`${harmless(explained(failure))}\n`);
  const summary = {
    rows,
    accepted,
    refused,
    seconds,
    complete: isComplete,
    ...(isComplete ? {} : { next_row: nextRow }),
  };
  if (terminal.json) sayJson(terminal, summary);
  else terminal.write(`${sentence(summary)}\n`);
  if (!isComplete && rows > 0) complain(howToGoOn(nextRow, refused > 0 && failure === undefined && !wasStopped, files));
  if (wasStopped) return 130;
  if (failure !== undefined) return 2;
  return refused > 0 ? 1 : 0;
}

function sentence({
  rows,
  accepted,
  refused,
  seconds,
}: {
  rows: number;
  accepted: number;
  refused: number;
  seconds: number;
}): string {
  const rate = thousands(accepted / Math.max(0.001, seconds));
  return `${thousands(rows)} rows: ${thousands(accepted)} accepted, ${thousands(refused)} refused, in ${seconds} s (${rate}/s)`;
}

/** Rows that were accepted have their ids, and are counted once however often they are sent. */
function howToGoOn(nextRow: number, isBadRow: boolean, files: readonly string[]): string {
  const again = `The same command again counts nothing twice; with --from-row ${nextRow} it begins where this one ended.\n`;
  if (!isBadRow) return `Stopped before row ${thousands(nextRow)}. ${again}`;
  const mend = files.includes("-") ? "" : "Mend it where it stands, or go on";
  return `Stopped at the first row that was refused. ${mend === "" ? "Go on" : mend} without it: --skip-bad, or --rejects FILE to keep such rows. ${again}`;
}

const dryRunEvents = 5;

async function showFirst(wish: SendWish, mapping: Mapping, refusals: Refusals, deps: SendDeps): Promise<SendCode> {
  let left = dryRunEvents;
  for await (const { row, make } of allRows(wish, mapping, deps)) {
    const made = make(row);
    if ("event" in made) sayJson(deps.terminal, made.event);
    else refusals.add(row, made.problems);
    if (--left === 0) break;
  }
  for (const line of refusals.first(shownMax)) deps.complain(`${harmless(line)}\n`);
  if (deps.signal.aborted) return 130;
  return refusals.count > 0 ? 1 : 0;
}

/** From the first one that is wished, of one file after the other. */
async function* allRows(wish: SendWish, mapping: Mapping, deps: SendDeps) {
  let number = 0;
  for (const path of wish.files) {
    const input = await openInput(path, inputOptions(wish, mapping, deps));
    const make = eventMaker({ mapping, format: input.format, source: wish.source ?? input.source });
    for await (const rows of untilStopped(input.rows, deps.signal, deps.clock))
      for (const row of rows) if (++number >= wish.fromRow) yield { row, make };
  }
}
