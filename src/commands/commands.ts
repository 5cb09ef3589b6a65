import { Weir, WeirError } from "../../client/src/weir.ts";
import { addressOf } from "../config/address.ts";
import type { RulesAction } from "../config/command-line.ts";
import type { ClientOptions, Config } from "../config/options.ts";
import { explained } from "./message.ts";
import { reached } from "./reached.ts";
import { CommandError } from "./rule-files.ts";
import type { ReadFile } from "./rule-files.ts";
import { runRules } from "./rules.ts";
import { runStats } from "./stats.ts";
import { harmless } from "./table.ts";
import { runTail } from "./tail.ts";
import type { Terminal } from "./terminal.ts";

export interface Command {
  readonly command: "rules" | "stats" | "tail";
  readonly rulesAction: RulesAction;
  readonly words: readonly string[];
  readonly client: ClientOptions;
  readonly config: Pick<Config, "host" | "queryPort">;
}

export interface CommandDeps {
  readonly terminal: Terminal;
  readonly readFile: ReadFile;
  readonly signal: AbortSignal;
  readonly complain: (text: string) => void;
}

/** A command that speaks to a server that runs. 0: done; 1: the server refused it; 2: nobody answers, or a file is no good. */
export async function runCommand(asked: Command, deps: CommandDeps): Promise<0 | 1 | 2> {
  const { terminal, readFile, signal, complain } = deps;
  const { command, words, client, config } = asked;
  const [rule = ""] = words;
  let weir: Weir | undefined;
  try {
    weir = reached(() => new Weir({ queryUrl: client.url ?? addressOf(config, config.queryPort) }));
    if (command === "rules") await runRules(asked.rulesAction, words, { weir, terminal, readFile, complain });
    else if (command === "stats") await runStats(weir, { ...client, rule, signal }, terminal);
    else await runTail(weir, { ...client, rule, signal }, terminal, complain);
    return 0;
  } catch (error) {
    complain(complaint(error));
    return exitCodeOf(error);
  } finally {
    weir?.close();
  }
}

/** 2: no server of Weir answers there, or what was given to the command is no good. 1: the server refused it. */
export function exitCodeOf(error: unknown): 1 | 2 {
  if (error instanceof CommandError) return 2;
  return error instanceof WeirError && (error.code === "no_answer" || error.code === "strange_answer") ? 2 : 1;
}

/** What went wrong, and below it every mistake that the server names. */
function complaint(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}\n`;
  const details: unknown = error instanceof WeirError ? error.details : null;
  const problems = Array.isArray(details) ? (details as readonly { path?: string; message?: string }[]) : [];
  const lines = problems.filter(({ message }) => message !== undefined && !error.message.includes(message));
  const isOtherPort = error instanceof WeirError && error.code === "unknown_route";
  const message = `${explained(error)}${isOtherPort ? "; is it the query port of the server?" : ""}`;
  return [message, ...lines.map(({ path, message }) => `  ${path}: ${message}`)]
    .map((line) => `${harmless(line)}\n`)
    .join("");
}
