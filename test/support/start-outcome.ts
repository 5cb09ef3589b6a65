import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));

/** What a start meets, and what is to be said of it. */
export interface BadStart {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It ends by itself, as waiting can't help; else it waits until it is told to stop. */
  readonly stops: boolean;
  readonly says: RegExp;
}

/** None of these may be seen, whatever happens. */
export type Secrets = readonly string[];

const outcomeMs = 120_000;

/**
 * Starts the real program on an empty folder, and holds it to what is expected: either it ends with 2 and the message on a
 * line of its own, or it says the message, waits, and ends with 0 as soon as it is asked to.
 */
export async function mustMeet({ args, env = {}, stops, says }: BadStart, secrets: Secrets): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-start-"));
  try {
    const { code, output, waited } = await run(
      ["--data-dir", dataDir, ...args],
      env,
      (output) => !stops && says.test(output),
    );
    assert.match(output, says);
    assert.deepEqual({ waited, code }, { waited: !stops, code: stops ? 2 : 0 }, output);
    if (stops) assert.match(output, /^Weir can't start/m);
    for (const secret of secrets) assert.ok(!output.includes(secret), `a secret is shown:\n${output}`);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/**
 * A start of the real program that finds what it needs away: it has to say so, and to wait; `come` brings it then, and it begins.
 * @param start starts it, and has it heard.
 */
export async function mustBegin<T>(
  start: (heard: (line: string) => void) => Promise<T>,
  says: RegExp,
  come: () => Promise<unknown>,
): Promise<T> {
  const waits = Promise.withResolvers<string>();
  const starting = start((line) => void (says.test(line) && waits.resolve("it waits")));
  assert.equal(await Promise.race([waits.promise, starting.then(() => "it is ready")]), "it waits");
  await come();
  return starting;
}

const kept = (...names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.flatMap((name) => (name in process.env ? [[name, process.env[name] ?? ""]] : [])));

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  /** It said that it would try again, and went on until it was asked to stop. */
  readonly waited: boolean;
}

/** `isSaid`: all that is to be heard of one that waits. What fails by time alone says something else at first, and is tried again. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  isSaid: (output: string) => boolean,
): Promise<Outcome> {
  const ports = ["--ingest-port", "0", "--query-port", "0"];
  const child = spawn(process.execPath, [program, "serve", ...ports, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...kept("PATH", "HOME", "NODE_COMPILE_CACHE"), ...env },
  });
  const tooLate = setTimeout(() => child.kill("SIGKILL"), outcomeMs);
  let [output, waited] = ["", false];
  const heard = (chunk: Buffer): void => {
    output += chunk.toString();
    if (waited || !output.includes("trying again") || !isSaid(output)) return;
    waited = true;
    child.kill("SIGTERM");
  };
  child.stdout.on("data", heard);
  child.stderr.on("data", heard);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(tooLate);
  return { code, output, waited };
}
