import { Command, CommanderError, Option as Flag } from "commander";
import type { Problem } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { completionScript, shells } from "./completion.ts";
import type { Completed } from "./completion.ts";
import { didYouMean } from "./did-you-mean.ts";
import { environmentName, options } from "./options.ts";
import type { Option } from "./option.ts";
import { commandsWith, ownOptions } from "./own-options.ts";

export const commandNames = [
  "serve",
  "demo",
  "config",
  "rules",
  "stats",
  "tail",
  "send",
  "load",
  "rejects",
  "verify",
  "rebuild",
  "migrate",
  "completion",
] as const;
export type CommandName = (typeof commandNames)[number];

/** What `weir rules` does, and what it does that to; the first is what it does when nothing is said. */
export const rulesActions = {
  list: { what: "", least: 0, most: 0 },
  get: { what: "a rule", least: 1, most: 1 },
  apply: { what: "files with rules (- is the standard input)", least: 1, most: Infinity },
  delete: { what: "rules", least: 1, most: Infinity },
  try: { what: "a file with a rule (- is the standard input)", least: 1, most: 1 },
} as const;
export type RulesAction = keyof typeof rulesActions;
const rulesActionNames = Object.keys(rulesActions) as readonly RulesAction[];

/** What `weir rejects` does; the first is what it does when nothing is said. */
export const rejectsActions = ["list", "replay"] as const;
export type RejectsAction = (typeof rejectsActions)[number];

export interface CommandLine {
  readonly command: CommandName;
  readonly action: RejectsAction;
  readonly rulesAction: RulesAction;
  /** Of `rules`, `stats`, `tail` and `send`: rules or files. */
  readonly words: readonly string[];
  /** Texts as given, by the option's name without dashes. */
  readonly flags: ReadonlyMap<string, string>;
  /** Set when there is nothing to do but to print this: help, version, a script for a shell. */
  readonly print: string | null;
  readonly problems: readonly Problem[];
}

/** Reads the arguments (without the program's name). Nothing is checked but the names: values are `loadConfig`'s. */
export function parseCommandLine(argv: readonly string[], version: string): CommandLine {
  const seen: { -readonly [K in keyof CommandLine]: CommandLine[K] } = {
    command: "serve",
    action: rejectsActions[0],
    rulesAction: "list",
    words: [],
    print: null,
    flags: new Map(),
    problems: [],
  };
  const output: string[] = [];
  // What stands behind it are words, whatever they begin with.
  const end = argv.indexOf("--", 1);
  const [before, behind] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end + 1)];
  const program = buildProgram(version, mayBeAsked(argv), (command, name) => {
    seen.command = name;
    seen.flags = flagsOf(command);
    const words = [...command.args];
    if (name === "rejects") seen.action = takeAction(words, rejectsActions) ?? seen.action;
    if (name === "rules") seen.rulesAction = takeAction(words, rulesActionNames) ?? seen.rulesAction;
    const shell = name === "completion" ? takeAction(words, shells) : undefined;
    const wanted = wantedWords(name, seen.rulesAction);
    const problems = leftOver(command, name, { words, behind, most: wanted.most });
    seen.words = [...words.filter((word) => !isFlag(word)), ...behind].slice(0, wanted.most);
    if (problems.length === 0 && seen.words.length < wanted.least)
      problems.push({ path: name, message: `needs ${wanted.what}` });
    if (problems.length === 0 && name === "completion") {
      if (shell === undefined) problems.push({ path: name, message: `needs a shell: ${shells.join(", ")}` });
      else seen.print = completionScript(shell, completed(program));
    }
    seen.problems = problems;
  });
  forAll(program, (command) => command.configureOutput({ writeOut: (text) => output.push(text), writeErr: () => {} }));
  try {
    program.parse(before, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { ...seen, print: output.join("") };
    const named = argv.find((word) => !isFlag(word));
    seen.command = commandNames.find((name) => name === named) ?? seen.command;
    seen.problems = [{ path: "command line", message: error.message.replace(/^error: /, "") }];
  }
  return seen;
}

const summaries: Readonly<Record<CommandName, string>> = {
  serve: "Take events, keep every rule's windows, answer and push them (the default command).",
  demo: "Serve on a temporary folder, make five rules and replay real flights.",
  config: "Print what is in force, and where each value comes from.",
  rules: "List the rules of a running server, show, apply, delete or try them.",
  stats: "Print the windows of a rule.",
  tail: "Follow the windows of a rule as they change.",
  send: "Send the rows of files as events: JSON, NDJSON, CSV or Parquet.",
  load: "Make events and send them at a rate; --check counts them again.",
  rejects: "Say what a running server has in quarantine (list), or put it back (replay).",
  verify: "Count the windows of rules again from the stored events, and print what differs.",
  rebuild: "Make the windows of rules anew from the stored events.",
  migrate: "Make or change the tables of the store as this version needs them.",
  completion: "Print what makes a shell complete commands and options.",
};

const sources = `
is also an environment variable (--data-dir is ${environmentName("data-dir")})
and a key of the file that --config names ("data-dir"). The command line wins
over the environment, the environment over the file.`;

const exitCodes = `
Exit codes: 0 stopped as asked, or done; 1 failed while running, what the server
refuses, or what verify found to differ; 2 the configuration or the machine does not
allow a start, no server answers, or what is printed can't be written; 130 send, or
the check of load, was stopped before its end.`;

/** What stands below the options of a command; null: of the program. */
function epilogueOf(name: CommandName | null): string {
  return `\n${whichOptions(name)}${sources}\n${exitCodes}`;
}

function whichOptions(name: CommandName | null): string {
  const own = "is given on the command line only. Every other option";
  if (name === null) return `An option that serve does not have ${own}`;
  return ownOptions(name).length === 0 ? "Every option" : `What stands below "Of ${name}:" ${own}`;
}

export const usageOf = (name: CommandName): string => usages[name] ?? "[options]";

const usages: Readonly<Partial<Record<CommandName, string>>> = {
  rejects: `[${rejectsActions.join("|")}] [options]`,
  rules: "[list | get RULE | apply FILE… | delete RULE… | try FILE] [options]",
  stats: "RULE [options]",
  tail: "RULE [options]",
  send: "FILE… | - [options]",
  completion: shells.join("|"),
};

/** The command that comes first runs, and nobody asks for the options of the others, which take a hundredth of a second. */
function mayBeAsked(argv: readonly string[]): readonly CommandName[] {
  const first = commandNames.filter((name) => name === argv[0] && name !== "completion");
  return first.length === 0 ? commandNames : first;
}

function buildProgram(
  version: string,
  withOptions: readonly CommandName[],
  seen: (command: Command, name: CommandName) => void,
): Command {
  const program = new Command("weir")
    .description(
      "Real-time analytics on your own events: POST them, define rules while it runs, query and watch exact windows.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .usage("[command] [options]")
    .addHelpText("after", epilogueOf(null))
    .exitOverride();
  for (const name of commandNames) {
    const command = program
      .command(name, { isDefault: name === "serve" })
      .description(summaries[name])
      .exitOverride();
    command.helpOption("-h, --help", "print this help").usage(usageOf(name)).addHelpText("after", epilogueOf(name));
    // Unknown names and left-over words are collected, so that all mistakes are told at once.
    command.allowUnknownOption().allowExcessArguments();
    if (withOptions.includes(name)) addFlags(command, name);
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

function flagOf(option: Option<unknown>): Flag {
  const without = ` (default: ${option.kind.format(option.default)})`;
  const value = option.kind.alone === undefined ? ` <${option.kind.placeholder}>` : "";
  const flag = new Flag(`--${option.name}${value}`, option.description + without);

  return option.joined
    ? flag.argParser((next, before?: string) => (before === undefined ? next : `${before},${next}`))
    : flag;
}

function flagsOf(command: Command): ReadonlyMap<string, string> {
  const given = command.options.map((flag) => {
    const value: unknown = command.getOptionValue(flag.attributeName());
    return [flag.long?.slice(2) ?? "", value === true ? "yes" : value] as const;
  });
  return new Map(given.filter((entry): entry is readonly [string, string] => typeof entry[1] === "string"));
}

/** How many words behind it a command takes, and what they are. */
function wantedWords(name: CommandName, action: RulesAction): { what: string; least: number; most: number } {
  if (name === "rules") return rulesActions[action];
  if (name === "stats" || name === "tail") return { what: "the id of a rule", least: 1, most: 1 };
  if (name === "send") return { what: "files (- is the standard input)", least: 1, most: Infinity };
  return { what: "", least: 0, most: 0 };
}

/** A dash alone is the standard input. */
const isFlag = (word: string): boolean => word.startsWith("-") && word !== "-";

interface Given {
  readonly words: readonly string[];
  /** That stand behind `--`. */
  readonly behind: readonly string[];
  /** Words that the command takes. */
  readonly most: number;
}

/** What the command did not understand. The value behind an unknown option is not called a mistake of its own. */
function leftOver(command: Command, name: CommandName, { words, behind, most }: Given): Problem[] {
  const known = command.options.map((flag) => flag.long ?? "");
  const problems: Problem[] = [];
  let behindOption = false;
  let taken = 0;
  for (const word of words) {
    if (isFlag(word)) problems.push(unknownOption(word.split("=", 1)[0]!, name, known));
    else if (!behindOption && taken < most) taken += 1;
    else if (!behindOption) problems.push(tooMuch(word, name));
    behindOption = isFlag(word) && !word.includes("=");
  }
  for (const word of behind.slice(Math.max(0, most - taken))) problems.push(unknown(word, "an argument"));
  return problems;
}

function wordsOf(name: CommandName): readonly string[] {
  if (name === "rejects") return rejectsActions;
  if (name === "completion") return shells;
  if (name === "rules") return rulesActionNames;
  // Nobody has to name it, so what stands behind may have been meant for a command.
  return name === "serve" ? commandNames : [];
}

/** Takes the action out of the words, if it is the first of them. */
function takeAction<Action extends string>(words: string[], actions: readonly Action[]): Action | undefined {
  const action = actions.find((known) => known === words[0]);
  if (action !== undefined) words.shift();
  return action;
}

function unknownOption(word: string, name: CommandName, known: readonly string[]): Problem {
  if (known.includes(word)) return { path: word, message: "takes no value" };
  const [command, ...others] = commandsWith(word.slice(2));
  if (command === undefined) return { path: word, message: `is not an option of Weir${didYouMean(word, known, "--")}` };
  const instead = name === "serve" ? `; a command comes first, as in weir ${command} ${word}` : `, not of ${name}`;
  return { path: word, message: `is an option of ${[command, ...others].join(", ")}${instead}` };
}

/** A word behind those that the command takes. */
function tooMuch(word: string, name: CommandName): Problem {
  const known = wordsOf(name);
  if (name !== "serve")
    return unknown(
      word,
      "an argument",
      known.filter((one) => one !== word),
    );
  if (!known.includes(word)) return unknown(word, "a command", known, "; `weir --help` lists them");
  return { path: word, message: `a command comes first, before all options: weir ${word} …` };
}

function unknown(word: string, what: string, known: readonly string[] = [], otherwise = ""): Problem {
  const near = suggest(word, known);
  const instead = near === undefined ? otherwise : `; did you mean ${near}?`;
  return { path: word, message: `is not ${what} of Weir${instead}` };
}

/** What shells complete; words that are rules or other ids are not known here. */
function completed(program: Command): Completed[] {
  return program.commands.map((command) => {
    const name = command.name() as CommandName;
    const ownWords = name === "serve" ? [] : wordsOf(name);
    return {
      name,
      description: command.description(),
      words: ownWords,
      takesFiles: name === "rules" || name === "send",
      flags: command.options.flatMap(({ long, flags, description }) =>
        long ? [{ long, description, value: /<(.+)>/.exec(flags)?.[1] ?? null }] : [],
      ),
    };
  });
}

function forAll(program: Command, each: (command: Command) => void): void {
  each(program);
  for (const command of program.commands) each(command);
}
