/**
 * `npm run sabotage [-- R7 R14]`: breaks a copy of the product in one way after the other, and runs the test that has to see it. Ends with
 * a line for each, as docs/reliability.md keeps them. A quarter of an hour.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Breakage, breakages } from "./breakages.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const asked = process.argv.slice(2);
const copied = ["bench", "bin", "client", "package.json", "scripts", "src", "test", "tsconfig.json", "web"];

const copy = mkdtempSync(join(tmpdir(), "weir-sabotage-"));
try {
  for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const chosen = breakages.filter(({ row }) => asked.length === 0 || asked.includes(row));
  if (chosen.length === 0) throw new Error(`there are ${breakages.map(({ row }) => row).join(", ")}`);
  const seen = chosen.map(isSeen);
  process.exitCode = seen.every(Boolean) ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function isSeen({ row, what, file, from, to, test, only }: Breakage): boolean {
  const path = join(copy, file);
  const whole = readFileSync(path, "utf8");
  if (whole.split(from).length !== 2)
    throw new Error(`${file} has "${from}" not just once: scripts/breakages.ts is out of date`);
  writeFileSync(
    path,
    whole.replace(from, () => to),
  );
  const names = only === undefined ? [] : [`--test-name-pattern=^${only}`];
  const run = spawnSync(process.execPath, ["--test", ...names, test], {
    cwd: copy,
    encoding: "utf8",
    timeout: 600_000,
  });
  writeFileSync(path, whole);
  // What does not even start sees nothing.
  const ran = /^ℹ fail [1-9]/m.test(run.stdout) && !/SyntaxError|TypeError|ReferenceError/.test(run.stdout);
  console.log(`| ${row} | ${what} | \`${test}\` | ${ran ? "seen" : "NOT SEEN"} |`);
  if (!ran) console.log(run.stdout.slice(-3000));
  return ran;
}
