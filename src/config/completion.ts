export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A command as shells complete it. */
export interface Completed {
  readonly name: string;
  readonly description: string;
  /** What may stand behind it; besides files. */
  readonly words: readonly string[];
  readonly takesFiles: boolean;
  readonly flags: readonly CompletedFlag[];
}

export interface CompletedFlag {
  /** With its dashes. */
  readonly long: string;
  readonly description: string;
  /** What the help calls its value, e.g. `file` or `durable|counted`; null: it takes none. */
  readonly value: string | null;
}

/** The first of the commands is the one that nobody has to name. */
export const completionScript = (shell: Shell, commands: readonly Completed[]): string => scripts[shell](commands);

const scripts: Readonly<Record<Shell, (commands: readonly Completed[]) => string>> = { bash, zsh, fish };

type Known = "files" | "folders" | readonly string[];

/** What is known of a value: `off` alone, where the rest is anybody's. */
function known(value: string): Known {
  const parts = value.split("|");
  if (parts[0] === "file") return "files";
  if (parts[0] === "folder") return "folders";
  if (parts.length === 1) return [];
  return parts.at(-1) === "off" ? ["off"] : parts;
}

const names = (commands: readonly { readonly name: string }[]): string[] => commands.map(({ name }) => name);
const longs = ({ flags }: Completed): string[] => [...flags.map(({ long }) => long), "--help"];

function bash(commands: readonly Completed[]): string {
  const values = new Map(
    commands.flatMap(({ flags }) =>
      flags.flatMap(({ long, value }) => (value === null ? [] : [[long, known(value)] as const])),
    ),
  );
  const answers = [...values].map(([long, value]) => `    ${long}) ${bashValue(value)} return ;;`);
  const cases = commands.map(
    (command) =>
      `    ${command.name}) flags="${longs(command).join(" ")}" words="${command.words.join(" ")}" files=${command.takesFiles ? "yes" : ""} ;;`,
  );
  return `# Completion of weir for bash: source <(weir completion bash)
_weir() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command="" flags words files word
  # Bash takes --flag=value for three words.
  if [[ $current == "=" ]]; then current=""; elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in ${names(commands).join("|")}) command=$word; break ;; esac
  done
  case $before in
${answers.join("\n")}
  esac
  case \${command:-${commands[0]?.name}} in
${cases.join("\n")}
  esac
  [[ $command ]] || words="${names(commands).join(" ")}"
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current")); return; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ $files ]]; then _weir_paths -f; fi
}
_weir_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen "$1" -- "$current"))
}
complete -F _weir weir
`;
}

function bashValue(value: Known): string {
  if (value === "files") return "_weir_paths -f;";
  if (value === "folders") return "_weir_paths -d;";
  return value.length === 0 ? "" : `COMPREPLY=($(compgen -W "${value.join(" ")}" -- "$current"));`;
}

function zsh(commands: readonly Completed[]): string {
  const described = commands.map(({ name, description }) => quoted(`${name}:${description.replaceAll(":", "\\:")}`));
  const cases = commands.map(
    (command) =>
      `    ${command.name}) _arguments \\\n      ${zshArguments(command).map(quoted).join(" \\\n      ")} ;;`,
  );
  return `#compdef weir
# Completion of weir for zsh: source <(weir completion zsh), or this as _weir in a folder of $fpath
_weir() {
  local -a commands
  commands=(
    ${described.join("\n    ")}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe command commands; return; fi
  local command=${commands[0]?.name}
  if [[ $words[2] != -* ]]; then command=$words[2]; shift words; (( CURRENT -= 1 )); fi
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _weir ]]; then _weir "$@"; else compdef _weir weir; fi
`;
}

function zshArguments({ flags, words, takesFiles }: Completed): string[] {
  const options = flags.map(({ long, description, value }) => {
    const told = description.replaceAll(/[[\]:\\]/g, "\\$&");
    return value === null ? `${long}[${told}]` : `${long}=[${told}]:${zshLabel(value)}:${zshValue(known(value))}`;
  });
  const first = words.length > 0 ? [`1:what:(${words.join(" ")})`] : [];
  return [...options, "--help[print this help]", ...first, ...(takesFiles ? ["*:file:_files"] : [])];
}

const zshLabel = (value: string): string => value.replaceAll(/[^\w ]+/g, " ").trim();

function zshValue(value: Known): string {
  if (value === "files") return "_files";
  if (value === "folders") return "_files -/";
  return value.length === 0 ? " " : `(${value.join(" ")})`;
}

function fish(commands: readonly Completed[]): string {
  const among = names(commands).join(" ");
  const lines = commands.flatMap((command, index) => {
    const { name, description, words, takesFiles, flags } = command;
    // What nobody has to name is meant as long as no other is named.
    const isMeant = `__fish_seen_subcommand_from ${name}${index === 0 ? `; or not __fish_seen_subcommand_from ${among}` : ""}`;
    const when = `complete -c weir -n ${quoted(isMeant)}`;
    return [
      `complete -c weir -n ${quoted(`not __fish_seen_subcommand_from ${among}`)} -a ${name} -d ${quoted(description)}`,
      ...words.map((word) => `${when} -a ${word}`),
      ...(takesFiles ? [`${when} -F`] : []),
      ...flags.map(
        ({ long, description: told, value }) =>
          `${when} -l ${long.slice(2)}${value === null ? "" : fishValue(known(value))} -d ${quoted(told)}`,
      ),
    ];
  });
  return `# Completion of weir for fish: weir completion fish | source\ncomplete -c weir -f\n${lines.join("\n")}\n`;
}

function fishValue(value: Known): string {
  if (value === "files") return " -r -F";
  if (value === "folders") return " -x -a '(__fish_complete_directories)'";
  return value.length === 0 ? " -x" : ` -x -a ${quoted(value.join(" "))}`;
}

/** For all three, as a text in which nothing is looked for. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
