/**
 * Completes package-lock.json for the platforms that it lacks: `node scripts/complete-lock.ts`, after any `npm install`.
 *
 * npm writes an entry only for those platform packages that the registry in use could show it. With one that mirrors a
 * part of them the lock comes out without the others, and `npm ci` then refuses it on every platform ("Missing: … from
 * lock file"). What is missing is known all the same: exact versions stand in the `optionalDependencies` of the package
 * that wants them, and the platform is in the name. An entry made here has no integrity: npm takes the registry's word.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

export interface LockEntry {
  version?: string;
  resolved?: string;
  os?: string[] | string;
  cpu?: string[] | string;
  libc?: string[];
  license?: string;
  optional?: boolean;
  dev?: boolean;
  optionalDependencies?: Record<string, string>;
}

export interface Lock {
  packages: Record<string, LockEntry>;
}

const exact = /^\d+\.\d+\.\d+[\w.+-]*$/;

/** What the lock lacks, as new entries by their key. Wanted versions that are not exact are left to npm. */
export function missingEntries(lock: Lock): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [owner, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!exact.test(version) || isThere(lock, owner, name)) continue;
      missing[`node_modules/${name}`] = {
        version,
        ...platformOf(name),
        ...(entry.dev ? { dev: true } : {}),
        optional: true,
      };
    }
  }
  return missing;
}

function isThere(lock: Lock, owner: string, name: string): boolean {
  return `node_modules/${name}` in lock.packages || `${owner}/node_modules/${name}` in lock.packages;
}

const systems = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "aix", "win32"];
const processors: Record<string, string> = {
  arm64: "arm64",
  x64: "x64",
  ia32: "ia32",
  arm: "arm",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  loong64: "loong64",
  wasm32: "wasm32",
};

/** os, cpu and libc as the name tells them, e.g. `binding-linux-arm64-musl`. */
function platformOf(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> {
  const words = name.split(/[/-]/);
  const system = systems.find((candidate) => words.includes(candidate));
  const processor = words.map((word) => processors[word]).find((found) => found !== undefined);
  const musl = words.some((word) => word.startsWith("musl"));
  const gnu = words.some((word) => word.startsWith("gnu"));
  return {
    ...(system ? { os: [system] } : {}),
    ...(processor ? { cpu: [processor] } : {}),
    ...(system === "linux" && musl ? { libc: ["musl"] } : {}),
    ...(system === "linux" && gnu ? { libc: ["glibc"] } : {}),
  };
}

function run(): void {
  const file = new URL("../package-lock.json", import.meta.url);
  const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
  const added = missingEntries(lock);
  const all = Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [, entry] of all) delete entry.resolved;
  writeFileSync(file, JSON.stringify({ ...lock, packages: Object.fromEntries(all) }, null, 2) + "\n");
  console.log(`${Object.keys(added).length} platform packages added to package-lock.json`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) run();
