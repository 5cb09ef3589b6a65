import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/load.ts";
import { environmentName, optionKeys, options } from "../../src/config/options.ts";
import { printProblems } from "../../src/config/print.ts";
import { checkEventText } from "../../src/event/check.ts";
import { parseMapping } from "../../src/send/mapping.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A piece of a page that is set off as code. */
export interface Block {
  readonly page: string;
  /** Of its first text, from 1. */
  readonly line: number;
  /** What its fence says that it is; null: it is indented and has none. */
  readonly fence: string | null;
  readonly text: string;
}

const patterns = ["*.md", "docs/*.md", "client/*.md", "examples/**/*.md", "deploy/**/*.md"];

/** Every block of the README, the guide and the other pages beside what they tell of. Decisions are no guide. */
export const allBlocks = (): Block[] =>
  patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .flatMap((page) => blocksOf(page, readFileSync(root + page, "utf8")));

export function blocksOf(page: string, markdown: string): Block[] {
  const found: { page: string; line: number; fence: string | null; text: string }[] = [];
  let fence: string | null = null;
  let before = "";
  for (const [index, line] of markdown.split("\n").entries()) {
    const [, mark] = /^\s*(?:`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    const isIndented = fence === null && line.startsWith("    ");
    const begins = mark !== undefined ? fence === null : isIndented && before === "";
    const goesOn = fence !== null || (isIndented && before.startsWith("    "));
    if (begins) found.push({ page, line: index + 1, fence: mark ?? null, text: mark === undefined ? `${line}\n` : "" });
    else if (goesOn && mark === undefined) found.at(-1)!.text += `${line}\n`;
    if (mark !== undefined) fence = fence === null ? mark : null;
    before = line;
  }
  return found;
}

/** Where blocks of these fences are run. */
export const runBy: Readonly<Record<string, string>> = {
  console: "test/guide/pages.engine.test.ts",
  ts: "test/guide/blocks.engine.test.ts",
  tsx: "test/guide/blocks.engine.test.ts",
  sql: "test/guide/blocks.engine.test.ts",
};

/** Blocks that say nothing a program could be given: how they begin, and why nothing is to be checked, or where it is. */
export const unchecked: readonly (readonly [page: string, begins: string, why: string])[] = [
  ["README.md", "flowchart LR", "a picture"],
  ["ARCHITECTURE.md", "bench/ ", "the map of folders: test/tidy/check.ts"],
  ["docs/protocol.md", "→ ", "read by test/protocol-page.test.ts"],
  ["docs/protocol.md", "← ", "read by test/protocol-page.test.ts"],
  [
    "docs/operating.md",
    "server   640 MiB",
    "a sum: deploy/check/memory.ts has it, test/faults/overload.load.test.ts holds it",
  ],
  [
    "docs/operating.md",
    "<clickhouse>",
    "of servers that others run; the engine takes one like it from test/support/played-shards.ts",
  ],
  [
    "docs/client.md",
    'const weir = new Weir({ ingestUrl: "/"',
    "for a page alone: client/browser.engine.test.ts has one",
  ],
  ["docs/reliability.md", "acknowledged ⊆ counted", "what the judge of test/faults/kill.fault.test.ts and others asks"],
  ["docs/sizing.md", "processes of a role ", "reckoning with what deploy/sizing.bench.ts has measured"],
];

export const whyUnchecked = ({ page, text }: Block): string | undefined =>
  unchecked.find(([of, begins]) => of === page && text.trimStart().startsWith(begins))?.[2];

/** What is wrong with a block, as far as that can be seen without a server. */
export function problemsOf(block: Block): string[] {
  const { fence, text } = block;
  if (whyUnchecked(block) !== undefined || (fence !== null && Object.hasOwn(runBy, fence))) return [];
  if (fence === "json") return eventProblems(text);
  if (fence === null) return commandsOf(text).flatMap(commandProblems);
  return ["nothing checks this block: give it a kind that is checked, or a reason in test/guide/blocks.ts"];
}

function eventProblems(json: string): string[] {
  const checked = checkEventText(json, { timestampMax: Infinity });
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path} ${message}`);
}

/** The commands of an indented block: a line that ends with `\` goes on, and behind ` # ` is a remark. */
export const commandsOf = (text: string): string[] =>
  text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => line !== "");

function commandProblems(command: string): string[] {
  return command.split(" && ").flatMap((one) => {
    const words = [...one.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, ...texts]) => texts.join(""));
    const at = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
    const [program = "", ...args] = words.slice(at);
    const found = Object.hasOwn(programs, program)
      ? programs[program]!(args)
      : [`${program} is no program that test/guide/blocks.ts knows of: what checks this?`];
    return [...found, ...words.filter(isLost).map((path) => `there is no ${path}`), ...unknownVariables(one)];
  });
}

const { scripts } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { scripts: object };
/** That the files are there which they name is seen of all. */
const namesFiles = (): string[] => [];

const programs: Readonly<Record<string, (args: readonly string[]) => string[]>> = {
  weir: (argv) => {
    const loaded = loadConfig({ argv, env: {}, readFile: () => "" });
    if (!loaded.ok) return [printProblems(loaded.problems, loaded.command)];
    const mapping = parseMapping(loaded.send.map);
    return "fields" in mapping ? [] : [...mapping];
  },
  npm: ([action = "", name = ""]) => {
    if (action === "ci" || Object.hasOwn(scripts, action === "run" ? name : action)) return [];
    return [`package.json has no script ${name || action}`];
  },
  // Run by test/guide/blocks.engine.test.ts.
  curl: namesFiles,
  node: namesFiles,
  npx: namesFiles,
  bash: namesFiles,
  python3: namesFiles,
  // A damaged part is given up so in test/e2e/upkeep.engine.test.ts.
  mv: namesFiles,
  // No test has containers or a cluster: what these read is tried by deploy/*.test.ts.
  docker: namesFiles,
  helm: namesFiles,
  kubectl: namesFiles,
};

const isLost = (word: string): boolean =>
  /^(?:bench|client|deploy|docs|examples|scripts|src|test)\//.test(word) && !existsSync(root + word);

const ofOptions = new Set(optionKeys.map((key) => environmentName(options[key].name)));
const isOfTests = (name: string): boolean =>
  globSync("test/**/*.ts", { cwd: root }).some((file) => readFileSync(root + file, "utf8").includes(`"${name}"`));

const unknownVariables = (command: string): string[] =>
  (command.match(/\bWEIR_\w+/g) ?? [])
    .filter((name) => !ofOptions.has(name) && !isOfTests(name))
    .map((name) => `${name} is no option`);
