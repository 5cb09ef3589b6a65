import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const root = fileURLToPath(new URL("../../", import.meta.url));
const tsc = join(root, "node_modules/.bin/tsc");

export interface BuiltClient {
  /** Of a program that has the package installed. */
  readonly folder: string;
  /** Where what is built lies. */
  readonly dist: string;
  readonly remove: () => Promise<void>;
}

/** The client as it would be published: built by its own configuration, and installed in a folder that goes with the test. */
export async function buildClient(): Promise<BuiltClient> {
  const folder = await mkdtemp(join(tmpdir(), "weir-client-"));
  const installed = join(folder, "node_modules/weir-client");
  const dist = join(installed, "dist");
  await typeScript("-p", join(root, "client/tsconfig.json"), "--outDir", dist);
  await copyFile(join(root, "client/package.json"), join(installed, "package.json"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  return { folder, dist, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** @throws Error with what the compiler says. */
export async function typeScript(...args: readonly string[]): Promise<void> {
  await run(tsc, [...args], { timeout: 120_000 }).catch((error: { stdout: string }) => {
    throw new Error(`tsc ${args.join(" ")}\n${error.stdout}`);
  });
}
