import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const root = fileURLToPath(new URL("../../", import.meta.url));
const tsc = join(root, "node_modules/.bin/tsc");

/** The client as it would be published: built by its own configuration into a folder that goes with the test. */
export async function buildClient(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "weir-client-"));
  await typeScript("-p", join(root, "client/tsconfig.json"), "--outDir", join(folder, "dist"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** @throws Error with what the compiler says. */
export async function typeScript(...args: readonly string[]): Promise<void> {
  await run(tsc, [...args], { timeout: 120_000 }).catch((error: { stdout: string }) => {
    throw new Error(`tsc ${args.join(" ")}\n${error.stdout}`);
  });
}
