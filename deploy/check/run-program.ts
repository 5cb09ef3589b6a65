import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program of Node's with nothing in its environment but that, to its end. */
export const runProgram = (program: string, env: Readonly<Record<string, string>>): Promise<Ended> =>
  runWords(["node", program], env);

/** The same of words as a Dockerfile or a compose file has them, of which the first is `node`: it is ours. */
export async function runWords(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<Ended> {
  assert.equal(words[0], "node");
  const child = spawn(process.execPath, words.slice(1), { cwd, env: { PATH: process.env["PATH"], ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
