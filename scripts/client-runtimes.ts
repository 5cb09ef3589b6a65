/**
 * `npm run client-runtimes`: uses the client as it would be published in every runtime that it is for, against a server of its own:
 * the oldest Node, a newer one, Bun and Deno. They come from the npm registry, 600 MB into a folder that goes at the end.
 *
 *     npm run client-runtimes                # all
 *     npm run client-runtimes -- deno bun    # these
 */
import { execFileSync } from "node:child_process";
import { arch, argv } from "node:process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildClient } from "../test/support/built-client.ts";
import { startServer } from "../test/support/server-process.ts";
import { useClient } from "../test/support/used-client.ts";

interface Runtime {
  /** Of the npm registry. */
  readonly package: string;
  /** The program in it, and what comes before the program that it is to run. */
  readonly command: readonly string[];
}

const bunArch = arch === "arm64" ? "aarch64" : arch;
const runtimes: Readonly<Record<string, Runtime>> = {
  "node-22.0": { package: `node-linux-${arch}@22.0.0`, command: ["bin/node"] },
  "node-22": { package: `node-linux-${arch}@22.23.5`, command: ["bin/node"] },
  bun: { package: `@oven/bun-linux-${bunArch}@1.4.5`, command: ["bin/bun", "run"] },
  deno: { package: `@deno/linux-${arch}-glibc@2.9.6`, command: ["deno", "run", "--allow-all"] },
};

const asked = argv.length > 2 ? argv.slice(2) : Object.keys(runtimes);
const built = await buildClient();
try {
  for (const name of asked) await use(name);
} finally {
  await built.remove();
}

async function use(name: string): Promise<void> {
  const runtime = runtimes[name];
  if (runtime === undefined) throw new Error(`"${name}" is none of ${Object.keys(runtimes).join(", ")}`);
  const [program = "", ...options] = runtime.command;
  const path = join(install(name, runtime), program);
  const dataDir = join(built.folder, `data-${name}`);
  await mkdir(dataDir);
  const server = await startServer({ dataDir });
  try {
    await useClient([path, ...options], built.folder, server);
    const version = execFileSync(path, ["--version"], { encoding: "utf8" }).split("\n")[0];
    console.log(`${name}: as it has to be (${version})`);
  } catch (error) {
    process.exitCode = 1;
    console.error(error instanceof Error ? error.message : error);
  } finally {
    await server.killGroup();
  }
}

/** Where the package is. No script of it is run: the program is in it. */
function install(name: string, runtime: Runtime): string {
  const folder = join(built.folder, "runtimes", name);
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
  execFileSync("npm", ["install", "--prefix", folder, ...quiet, `runtime@npm:${runtime.package}`], {
    stdio: "inherit",
  });
  return join(folder, "node_modules/runtime");
}
