import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { readFileSync } from "node:fs";

/** The circumstances that every figure is printed with. */
export function circumstances(): string {
  const processor = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = Math.round(totalmem() / 2 ** 30);
  const machine = `${cpus().length} × ${processor}, ${memory} GiB, ${process.platform}-${process.arch}`;
  const command = `npm run bench -- ${process.argv.slice(2).join(" ")}`.trim();
  return `${machine} · Node ${process.version} · engine chdb ${engineVersion()} · commit ${commit()} · \`${command}\``;
}

function engineVersion(): string {
  const file = new URL("../../node_modules/chdb/package.json", import.meta.url);
  const found: unknown = JSON.parse(readFileSync(file, "utf8"));
  return typeof found === "object" && found !== null && "version" in found ? String(found.version) : "unknown";
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { encoding: "utf8", cwd: import.meta.dirname }).trim();
    const changed = git("status", "--porcelain", "--", "../../src", "..") === "" ? "" : " with changes";
    return git("rev-parse", "--short", "HEAD") + changed;
  } catch {
    return "unknown";
  }
}
