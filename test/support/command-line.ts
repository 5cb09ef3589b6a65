import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type ServerProcess, program, startServer } from "./server-process.ts";

/** A server for all tests of a file, on `data` in a folder in which they may write beside it. Both go when the tests have ended. */
export async function serverForAll(name: string): Promise<{ folder: string; server: ServerProcess }> {
  const folder = await mkdtemp(join(tmpdir(), `weir-${name}-`));
  const server = await startServer({ dataDir: join(folder, "data") });
  after(async () => {
    await server.killGroup();
    await rm(folder, { recursive: true, force: true });
  });
  return { folder, server };
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program to its end; its output is a pipe. */
export function weir(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { timeout: 300_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}
