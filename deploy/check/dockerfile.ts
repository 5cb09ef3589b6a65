export interface Instruction {
  readonly line: number;
  readonly name: string;
  readonly rest: string;
}

export interface Stage {
  /** As it is called, or its number. */
  readonly name: string;
  /** An image, or the name of another stage; build arguments are put in. */
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** Reads a Dockerfile: continued lines are one, comments are gone. @throws Error where something stands before the first FROM. */
export function stagesOf(text: string): readonly Stage[] {
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  const given: Record<string, string> = {};
  for (const instruction of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (instruction.name === "FROM") {
      const [base = "", , name = String(stages.length)] = withArguments(instruction.rest, given).split(/\s+/);
      stages.push({ name, base, instructions: [] });
    } else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.name === "ARG") {
      const [name = "", value = ""] = instruction.rest.split(/=(.*)/s);
      given[name] = value;
    } else throw new Error(`line ${instruction.line}: ${instruction.name} stands before the first FROM`);
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  const found: Instruction[] = [];
  let open: { line: number; text: string } | undefined;
  for (const [index, row] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(row)) continue;
    open = open === undefined ? { line: index + 1, text: row } : { ...open, text: `${open.text}${row}` };
    if (row.endsWith("\\")) open.text = open.text.slice(0, -1);
    else {
      const [, name = "", rest = ""] = /^\s*(\w+)\s+(.*)$/s.exec(open.text) ?? [];
      found.push({ line: open.line, name: name.toUpperCase(), rest: rest.trim() });
      open = undefined;
    }
  }
  return found;
}

const withArguments = (text: string, given: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => given[name] ?? "");

/** A stage and those that it is made from, the first one first. */
export function lineage(stages: readonly Stage[], name: string): readonly Stage[] {
  const stage = stages.find((each) => each.name === name);
  return stage === undefined ? [] : [...lineage(stages, stage.base), stage];
}

/** What a container of this stage has in its environment. */
export function environmentOf(stages: readonly Stage[], name: string): Readonly<Record<string, string>> {
  const given = lineage(stages, name).flatMap(({ instructions }) => instructions.filter((each) => each.name === "ENV"));
  return Object.fromEntries(
    given.flatMap(({ rest }) =>
      [...rest.matchAll(/(\w+)=(\S*)/g)].map(([, variable = "", value = ""]) => [variable, value]),
    ),
  );
}

/** What comes last of an instruction in a target and the stages that it is made from. */
const lastOf = (stages: readonly Stage[], target: string, name: string): string | undefined =>
  lineage(stages, target)
    .flatMap(({ instructions }) => instructions)
    .findLast((each) => each.name === name)?.rest;

/** The words of such an instruction, of HEALTHCHECK those behind its options. @throws Error when it has none. */
export function wordsOf(
  stages: readonly Stage[],
  target: string,
  name: "CMD" | "ENTRYPOINT" | "HEALTHCHECK",
): string[] {
  const [list] = /\[.*\]$/.exec(lastOf(stages, target, name) ?? "") ?? [];
  if (list === undefined) throw new Error(`${target} has no ${name} of words`);
  return JSON.parse(list) as string[];
}

/** Of a COPY: the stage that it takes from, if it names one, and its sources and target. */
export function copyOf({ rest }: Instruction): {
  readonly from?: string;
  readonly sources: string[];
  readonly target: string;
} {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
  const paths = words.filter((word) => !word.startsWith("--"));
  return { ...(from === undefined ? {} : { from }), sources: paths.slice(0, -1), target: paths.at(-1) ?? "" };
}

export interface Context {
  /** Whether the folder that is built has such a file, and does not ignore it. */
  readonly has: (path: string) => boolean;
  /** Options of the product as variables. */
  readonly isKnown: (variable: string) => boolean;
}

/** Everything that a Dockerfile must not do, or has to and does not, one line each. */
export function dockerfileProblems(stages: readonly Stage[], targets: readonly string[], context: Context): string[] {
  const names = stages.map(({ name }) => name);
  return [
    ...stages.flatMap((stage, index) => [
      ...(names.slice(0, index).includes(stage.base) || /:[\w.-]+@sha256:[0-9a-f]{64}$/.test(stage.base)
        ? []
        : [`${stage.name}: ${stage.base} has no tag and digest`]),
      ...stage.instructions.flatMap((instruction) =>
        instructionProblems(instruction, names.slice(0, index), context).map(
          (problem) => `${stage.name}, line ${instruction.line}: ${problem}`,
        ),
      ),
    ]),
    ...targets.flatMap((target) => targetProblems(stages, target)),
  ];
}

function instructionProblems(instruction: Instruction, before: readonly string[], { has, isKnown }: Context): string[] {
  switch (instruction.name) {
    case "ADD":
      return ["ADD fetches and unpacks; COPY does what is meant"];
    case "COPY": {
      const { from, sources } = copyOf(instruction);
      if (from !== undefined) return before.includes(from) ? [] : [`copies from ${from}, which is no earlier stage`];
      return sources.filter((source) => !has(source)).map((source) => `${source} is not there, or is ignored`);
    }
    case "ENV":
      return [...instruction.rest.matchAll(/(\w+)=/g)]
        .map(([, name = ""]) => name)
        .filter((name) => name.startsWith("WEIR_") && !isKnown(name))
        .map((name) => `${name} is no option`);
    case "RUN":
      return /\b(curl|wget)\b/.test(instruction.rest) ? ["fetches something that nothing pins"] : [];
    default:
      return [];
  }
}

function targetProblems(stages: readonly Stage[], target: string): string[] {
  const last = (name: string): string | undefined => lastOf(stages, target, name);
  const isWords = (text: string | undefined): boolean => text?.startsWith("[") === true;
  return [
    ...(lineage(stages, target).length < 2 ? ["is made in one stage"] : []),
    ...(/^[1-9]\d*:[1-9]\d*$/.test(last("USER") ?? "")
      ? []
      : [`runs as ${last("USER") ?? "root"}; a number other than 0 is wanted`]),
    ...(/CMD \[/.test(last("HEALTHCHECK") ?? "") ? [] : ["has no HEALTHCHECK of words"]),
    ...(isWords(last("ENTRYPOINT")) ? [] : ["has no ENTRYPOINT of words, so that signals would go to a shell"]),
    ...(last("VOLUME") === undefined ? ["has no VOLUME"] : []),
  ].map((problem) => `${target}: ${problem}`);
}
