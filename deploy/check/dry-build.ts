import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { copyOf, lineage, stagesOf } from "./dockerfile.ts";
import { root, textOf } from "./read.ts";

/**
 * Does in a clean folder what the stages of packages do in theirs, without an engine: copies, and runs the very commands. Stages that
 * change the system itself can't be done so.
 * @throws Error when a command names a place outside of the folder, or fails.
 */
export function dryBuild(folder: string, target: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { instructions } of lineage(stagesOf(textOf("deploy/Dockerfile")), target))
    for (const instruction of instructions) {
      if (instruction.name === "COPY")
        for (const source of copyOf(instruction).sources)
          cpSync(root + source, join(folder, source), { recursive: true });
      if (instruction.name === "RUN") runIn(folder, instruction.rest);
    }
}

function runIn(folder: string, command: string): void {
  if (/(^|[\s=])\//.test(command)) throw new Error(`${command}: names a place outside of its folder`);
  execFileSync("sh", ["-euc", command], { cwd: folder, stdio: "inherit" });
}
