import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";

const version = "1.24.0";
const modulePath = "github.com/FerretDB/FerretDB";
/** Where Go is put by its own installer, which not every shell has in its path. */
const usualGo = "/usr/local/go/bin/go";

/** Outside of any clone: it is built once for each user. */
const binary = join(
  process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"),
  "weir-test",
  `ferretdb-${version}`,
  "ferretdb",
);

const builder = `${binary}.builder`;

/** Why no server of MongoDB's protocol can be started here; undefined when one can. */
export function whyNoFerretDb(): string | undefined {
  if (existsSync(binary) || go() !== undefined) return undefined;
  return "there is no Go to build FerretDB with: install Go 1.22 or newer, or name a MongoDB in WEIR_TEST_MONGO_URL";
}

/** FerretDB speaks MongoDB's protocol on top of SQLite. Built from its source when it is not there yet: some minutes. */
export function ferretDb(): string {
  mkdirSync(dirname(binary), { recursive: true });
  while (!existsSync(binary) && isBeingBuilt()) spawnSync("sleep", ["1"]);
  if (existsSync(binary)) return binary;
  writeFileSync(builder, String(process.pid));
  const folder = mkdtempSync(join(tmpdir(), "weir-ferretdb-"));
  try {
    const built = build(folder);
    // Under a name of its own first: several may be building it, and who runs it must never see half of it.
    const beside = `${binary}.${process.pid}`;
    cpSync(built, beside);
    renameSync(beside, binary);
    return binary;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(builder, { force: true });
  }
}

/** Whether another process is at it, which is worth waiting for; when two begin all the same, both come to the same end. */
function isBeingBuilt(): boolean {
  const pid = existsSync(builder) ? Number(readFileSync(builder, "utf8")) : 0;
  if (!(pid > 0)) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function build(folder: string): string {
  const module = join(folder, "module");
  writeFileSync(join(folder, "go.mod"), "module weir.test/ferretdb\n\ngo 1.22\n");
  const fetched = JSON.parse(run(folder, ["mod", "download", "-json", `${modulePath}@v${version}`])) as { Dir: string };
  cpSync(fetched.Dir, module, { recursive: true });
  run("/", ["-R", "u+w", module], "chmod");
  // What a build from a release has in it; without it the program does not start.
  writeFileSync(join(module, "build", "version", "version.txt"), `v${version}`);
  const out = join(folder, "ferretdb");
  run(module, ["build", "-mod=mod", "-trimpath", "-o", out, "./cmd/ferretdb"]);
  return out;
}

function run(cwd: string, args: readonly string[], program = go() ?? "go"): string {
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" };
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? ""}\n${stdout}\n${stderr}`);
}

function go(): string | undefined {
  return [process.env["WEIR_TEST_GO"] ?? "go", usualGo].find((path) => spawnSync(path, ["version"]).status === 0);
}

/** For messages of failed starts. */
export const readOutput = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
