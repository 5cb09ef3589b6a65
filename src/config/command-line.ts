import { Command, CommanderError, Option as Flag } from "commander";
import type { Problem } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { demoOptions, environmentName, options, upkeepOptions } from "./options.ts";
import type { Option } from "./options.ts";

export const commandNames = ["serve", "demo", "config", "rejects", "verify", "rebuild", "migrate"] as const;
export type CommandName = (typeof commandNames)[number];

/** What `weir rejects` does; the first is what it does when nothing is said. */
export const rejectsActions = ["list", "replay"] as const;
export type RejectsAction = (typeof rejectsActions)[number];

export interface CommandLine {
  readonly command: CommandName;
  readonly action: RejectsAction;
  /** Texts as given, by the option's name without dashes. */
  readonly flags: ReadonlyMap<string, string>;
  /** Set when there is nothing to do but to print this: help, version. */
  readonly print: string | null;
  readonly problems: readonly Problem[];
}

/** Reads the arguments (without the program's name). Nothing is checked but the names: values are `loadConfig`'s. */
export function parseCommandLine(argv: readonly string[], version: string): CommandLine {
  const seen: { -readonly [K in Exclude<keyof CommandLine, "print">]: CommandLine[K] } = {
    command: "serve",
    action: rejectsActions[0],
    flags: new Map(),
    problems: [],
  };
  const output: string[] = [];
  const program = buildProgram(version, (command, name) => {
    seen.command = name;
    seen.flags = flagsOf(command);
    const words = [...command.args];
    if (name === "rejects") seen.action = takeAction(words) ?? seen.action;
    seen.problems = leftOver(command, name, words);
  });
  forAll(program, (command) => command.configureOutput({ writeOut: (text) => output.push(text), writeErr: () => {} }));
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { ...seen, print: output.join("") };
    seen.problems = [{ path: "command line", message: error.message.replace(/^error: /, "") }];
  }
  return { ...seen, print: null };
}

const summaries: Readonly<Record<CommandName, string>> = {
  serve: "Take events, keep every rule's windows, answer and push them (the default command).",
  demo: "Serve on a temporary folder, make five rules and replay real flights.",
  config: "Print what is in force, and where each value comes from.",
  rejects: "Say what a running server has in quarantine (list), or put it back (replay).",
  verify: "Count the windows of rules again from the stored events, and print what differs.",
  rebuild: "Make the windows of rules anew from the stored events.",
  migrate: "Make or change the tables of the store as this version needs them.",
};

const epilogue = `
Every option is also an environment variable (--data-dir is ${environmentName("data-dir")})
and a key of the file that --config names ("data-dir"). The command line wins
over the environment, the environment over the file.

Exit codes: 0 stopped as asked; 1 failed while running; 2 the configuration or
the machine does not allow a start.`;

function buildProgram(version: string, seen: (command: Command, name: CommandName) => void): Command {
  const program = new Command("weir")
    .description(
      "Real-time analytics on your own events: POST them, define rules while it runs, query and watch exact windows.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .usage("[command] [options]")
    .addHelpText("after", epilogue)
    .exitOverride();
  for (const name of commandNames) {
    const command = program
      .command(name, { isDefault: name === "serve" })
      .description(summaries[name])
      .exitOverride();
    command
      .helpOption("-h, --help", "print this help")
      .usage(name === "rejects" ? `[${rejectsActions.join("|")}] [options]` : "[options]")
      .addHelpText("after", epilogue);
    // Unknown names and left-over words are collected, so that all mistakes are told at once.
    command.allowUnknownOption().allowExcessArguments();
    addFlags(command, name);
    command.action(() => seen(command, name));
  }
  program.addHelpText("after", "\n`weir serve --help` lists the options.");
  return program;
}

function addFlags(command: Command, name: CommandName): void {
  command.addOption(new Flag("--config <file>", "a JSON file with options").helpGroup("Where:"));
  for (const option of ownOptions(name)) command.addOption(flagOf(option).helpGroup(`Of ${name}:`));
  for (const option of Object.values(options)) command.addOption(flagOf(option).helpGroup(`${option.group}:`));
}

function ownOptions(name: CommandName): readonly Option<unknown>[] {
  if (name === "demo") return Object.values(demoOptions);
  return name === "verify" || name === "rebuild" ? Object.values(upkeepOptions) : [];
}

function flagOf(option: Option<unknown>): Flag {
  const later = option.later ? " (not available in this version)" : ` (default: ${option.kind.format(option.default)})`;
  return new Flag(`--${option.name} <${option.kind.placeholder}>`, option.description + later);
}

function flagsOf(command: Command): ReadonlyMap<string, string> {
  const given = command.options.map(
    (flag) => [flag.long?.slice(2) ?? "", command.getOptionValue(flag.attributeName()) as unknown] as const,
  );
  return new Map(given.filter((entry): entry is readonly [string, string] => typeof entry[1] === "string"));
}

/** What the command did not understand. The value behind an unknown option is not called a mistake of its own. */
function leftOver(command: Command, name: CommandName, words: readonly string[]): Problem[] {
  const known = command.options.map((flag) => flag.long ?? "");
  const problems: Problem[] = [];
  let behindOption = false;
  for (const word of words) {
    if (word.startsWith("-")) problems.push(unknown(word.split("=", 1)[0]!, "option", known));
    else if (!behindOption) problems.push(unknown(word, name === "serve" ? "command" : "argument", wordsOf(name)));
    behindOption = word.startsWith("-") && !word.includes("=");
  }
  return problems;
}

const wordsOf = (name: CommandName): readonly string[] => (name === "rejects" ? rejectsActions : commandNames);

/** Takes the action out of the words, if it is the first of them. */
function takeAction(words: string[]): RejectsAction | undefined {
  const action = rejectsActions.find((known) => known === words[0]);
  if (action !== undefined) words.shift();
  return action;
}

function unknown(word: string, what: string, known: readonly string[]): Problem {
  const near = suggest(word, known);
  return {
    path: word,
    message: `is not ${what === "command" ? "a" : "an"} ${what} of Weir${near ? `; did you mean ${near}?` : ""}`,
  };
}

function forAll(program: Command, each: (command: Command) => void): void {
  each(program);
  for (const command of program.commands) each(command);
}
