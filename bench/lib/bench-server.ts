import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { putRule } from "../../test/support/api.ts";
import { type ServerProcess, startServer } from "../../test/support/server-process.ts";
import { profilesIn } from "./profile.ts";
import { benchRules, wireRule } from "./rules.ts";

export interface BenchOptions {
  /** Length of the measured stretch of P2. */
  readonly seconds: number;
  /** P2's events per second; undefined: look for the highest that is kept up with. */
  readonly rate: number | undefined;
  readonly cpuProfile: boolean;
  /** How many events P9 stores before the kill. */
  readonly events: number;
  /** How many watch in P6. */
  readonly sockets: number;
  /** Which cases of P1 and P5 alone; empty: all of them. */
  readonly only: string;
  /** Which mode of P3 and P6 alone; empty: both. */
  readonly mode: string;
  readonly note: (line: string) => void;
}

export interface BenchServer {
  readonly server: ServerProcess;
  readonly dataDir: string;
}

/** Runs `work` on a fresh server in a temporary folder, then removes both. */
export async function withServer<T>(options: BenchOptions, work: (at: BenchServer) => Promise<T>): Promise<T> {
  await diskAtRest();
  const folder = await mkdtemp(join(tmpdir(), "weir-bench-"));
  const profiles = join(folder, "profiles");
  const nodeArgs = options.cpuProfile ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : [];
  const dataDir = join(folder, "data");
  const server = await startServer({ dataDir, nodeArgs, args: ["--log-level", "warn"] });
  try {
    const result = await work({ server, dataDir });
    await server.terminate();
    if (options.cpuProfile) printProfiles(profiles, options.note);
    return result;
  } finally {
    await server.killGroup();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the measurement before has left to write, and the gigabytes that were removed behind it, are none of the next one's. */
async function diskAtRest(): Promise<void> {
  await promisify(execFile)("sync");
  await pause(5000);
}

export async function putBenchRules(queryUrl: string): Promise<void> {
  for (const rule of benchRules) await putRule(queryUrl, wireRule(rule));
}

function printProfiles(folder: string, note: (line: string) => void): void {
  for (const { file, functions } of profilesIn(folder)) {
    note(`\nself time, ${file}`);
    for (const { where, ms, share } of functions)
      note(`  ${(share * 100).toFixed(1).padStart(5)} %  ${ms.toFixed(0).padStart(7)} ms  ${where}`);
  }
}
