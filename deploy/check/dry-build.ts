import { execFileSync } from "node:child_process";
import { cpSync, linkSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, delimiter, dirname, join, relative } from "node:path";
import { copyOf, lineage, stagesOf } from "./dockerfile.ts";
import type { Instruction, Stage } from "./dockerfile.ts";
import { isInContext, root, textOf } from "./read.ts";

/**
 * Makes in clean folders, without an engine, what deploy/Dockerfile makes in its images. A stage is made once, however many begin
 * with it or copy from it: they have its files by links, which commands may take away and not write into.
 */
export class DryBuild {
  readonly #folder: string;
  readonly #stages = stagesOf(textOf("deploy/Dockerfile"));
  readonly #made = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The folder of an image: what its COPYs take of the repository and of other stages. What it does to the system itself is left out.
   * @throws Error as `#stage` does.
   */
  image(target: string): string {
    const folder = join(this.#folder, "images", target);
    for (const instruction of lineage(this.#stages, target).flatMap(({ instructions }) => instructions))
      if (instruction.name === "COPY") this.#copy(instruction, folder);
    return folder;
  }

  /**
   * The folder of a stage, in which the very commands have been run.
   * @throws Error when a command names a place outside of the folder, or fails.
   */
  #stage(name: string): string {
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const { base, instructions } = this.#stages.find((stage) => stage.name === name)!;
    const folder = join(this.#folder, "stages", name);
    if (this.#stages.some((stage) => stage.name === base)) linkAll(this.#stage(base), folder);
    else mkdirSync(folder, { recursive: true });
    for (const instruction of instructions) {
      if (instruction.name === "COPY") this.#copy(instruction, folder);
      if (instruction.name === "RUN") runIn(folder, instruction.rest);
    }
    this.#made.set(name, folder);
    return folder;
  }

  #copy(instruction: Instruction, folder: string): void {
    const { from, sources, target } = copyOf(instruction);
    for (const source of sources) {
      const to =
        sources.length > 1 || target.endsWith("/") ? join(folder, target, basename(source)) : join(folder, target);
      if (from === undefined) copyFromContext(source, to);
      else linkAll(join(this.#stage(from), relative(workFolderOf(this.#stages, from), source)), to);
    }
  }
}

const workFolderOf = (stages: readonly Stage[], name: string): string =>
  lineage(stages, name)
    .flatMap(({ instructions }) => instructions)
    .findLast((instruction) => instruction.name === "WORKDIR")!.rest;

function copyFromContext(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(root + source, target, {
    recursive: true,
    filter: (path) => isInContext(path.slice(root.length)) || statSync(path).isDirectory(),
  });
}

/** A folder's files by links: half a gigabyte is not written again. */
function linkAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const link = entry.isDirectory() ? linkAll : linkSync;
    link(join(from, entry.name), join(to, entry.name));
  }
}

/** What it prints is told when it fails. Its `node` is ours, as the image's is the one that the tests run on. */
function runIn(folder: string, command: string): void {
  if (/(^|[\s=])\//.test(command)) throw new Error(`${command}: names a place outside of its folder`);
  const PATH = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  execFileSync("sh", ["-euc", command], { cwd: folder, stdio: "pipe", env: { ...process.env, PATH } });
}
