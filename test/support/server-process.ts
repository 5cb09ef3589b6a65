import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

/** As `npm start` and the image have it: with an arena for each of its threads the allocator keeps more and more. */
export const allocator = { MALLOC_ARENA_MAX: "2" };

/** As these have it, too: what outgrew the young generation once it keeps, and ten thousand sockets that came together left it 128 MiB. */
export const collector = "--max-semi-space-size=16";

/** The `weir` program. */
export const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));

export interface ServerOptions {
  readonly dataDir: string;
  /** More arguments of `weir serve`. */
  readonly args?: readonly string[];
  /** Arguments of Node itself, e.g. `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly readyTimeoutMs?: number;
  /** Told the process as soon as there is one, long before it is ready. */
  readonly spawned?: (pid: number) => void;
  /** Told each line that it writes. */
  readonly heard?: (line: string) => void;
  /** What Node runs instead of `bin/weir.mjs serve`. */
  readonly command?: readonly string[];
  /** Where it runs; without, where we do. */
  readonly cwd?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The real program as users start it, in a process group of its own, so that the group can be killed as a whole. */
export interface ServerProcess {
  readonly pid: number;
  /** Empty where it takes no events. */
  readonly ingestUrl: string;
  /** Of a process that only counts, where it says how it is; empty where there is nothing to ask. */
  readonly queryUrl: string;
  /** From the start of the process to its ready line. */
  readonly readyMs: number;
  readonly exited: Promise<Exit>;
  /** What it wrote last, for failure messages. */
  output(): string;
  /** kill -9 of the server and all its children; resolves when the server has gone. */
  killGroup(): Promise<void>;
  /** SIGTERM to the server alone, as a service manager does. */
  terminate(): Promise<Exit>;
}

/**
 * Starts `weir serve` on ports of the system's choice and waits for the ready line.
 * @throws Error with the program's output when it ends or stays silent before that line.
 */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const startedAt = performance.now();
  const child = spawnServer(options);
  const pid = child.pid;
  if (pid === undefined) throw new Error("the server could not be started");
  const forget = killedWithUs(pid);
  options.spawned?.(pid);
  const exited = once(child, "exit").then(([code, signal]): Exit => ({ code, signal }));
  const closed = once(child, "close");
  closed.catch(() => {});
  const tail: string[] = [];
  const killGroup = async (): Promise<void> => {
    signalGroup(pid);
    await exited;
    forget();
  };
  try {
    const { readyTimeoutMs = 120_000, heard = () => {} } = options;
    const urls = await readyLine(child, exited, tail, readyTimeoutMs, heard);
    const readyMs = performance.now() - startedAt;
    const terminate = async (): Promise<Exit> => {
      child.kill("SIGTERM");
      const exit = await exited.finally(forget);
      // What it says last can be heard a little after its end.
      await Promise.race([closed, pause(heardWithinMs)]);
      return exit;
    };
    return { pid, ...urls, readyMs, exited, output: () => tail.join("\n"), killGroup, terminate };
  } catch (error) {
    await killGroup();
    throw error;
  }
}

/**
 * Whether it has ended and says that it did not do so in time, as it may where a machine stands still for seconds. What it
 * says can be heard a little after its end.
 */
export async function endedLate(server: ServerProcess): Promise<boolean> {
  const { code } = await server.exited;
  const says = (): boolean => server.output().includes("did not stop in time");
  for (let looks = 0; code === 1 && !says() && looks < 50; looks++) await pause(20);
  return code === 1 && says();
}

/** SIGTERM, after which it has to end in order. Answers whether it did so in time: for one stop a machine may be too busy. */
export async function endedInOrder(server: ServerProcess): Promise<boolean> {
  const exit = await server.terminate();
  if (await endedLate(server)) return false;
  assert.deepEqual(exit, { code: 0, signal: null }, server.output());
  return true;
}

function spawnServer(options: ServerOptions): ChildProcess {
  const command = [collector, ...(options.nodeArgs ?? []), ...(options.command ?? [program, "serve"])];
  const places = ["--data-dir", options.dataDir, "--ingest-port", "0", "--query-port", "0"];
  return spawn(process.execPath, [...command, ...places, ...(options.args ?? [])], {
    cwd: options.cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...withoutOurs(process.env), ...allocator, ...options.env },
  });
}

/** A group of its own would outlive a test that is ended from outside. Returns how to forget the group. */
function killedWithUs(pid: number): () => void {
  const kill = (): void => signalGroup(pid);
  const killAndEnd = (): void => (kill(), process.exit(1));
  process.once("exit", kill).once("SIGTERM", killAndEnd).once("SIGINT", killAndEnd);
  return () => void process.off("exit", kill).off("SIGTERM", killAndEnd).off("SIGINT", killAndEnd);
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has gone already, which is what was wanted.
  }
}

const tailLines = 60;
/** What a process says last can be heard a little after its end. */
const heardWithinMs = 200;

function readyLine(
  child: ChildProcess,
  exited: Promise<Exit>,
  tail: string[],
  timeoutMs: number,
  heard: (line: string) => void,
): Promise<{ ingestUrl: string; queryUrl: string }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${why}\n${tail.join("\n")}`));
    const timer = setTimeout(() => fail(`no ready line within ${timeoutMs} ms`), timeoutMs);
    const onLine = (line: string): void => {
      tail.push(line);
      if (tail.length > tailLines) tail.shift();
      heard(line);
      if (!line.startsWith("Weir is ready")) return;
      clearTimeout(timer);
      const urlOf = (name: RegExp): string => name.exec(line)?.[1] ?? "";
      resolve({ ingestUrl: urlOf(/ ingest (http:\S+)/), queryUrl: urlOf(/ (?:query|health) (http:\S+)/) });
    };
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface({ input: stream }).on("line", onLine);
    void exited.then(async (exit) => {
      clearTimeout(timer);
      await pause(heardWithinMs);
      // What is there by now is heard first, also where this process has slept for longer.
      await new Promise((resolve) => setImmediate(resolve));
      fail(`the server ended before it was ready (code ${exit.code}, signal ${exit.signal})`);
    });
  });
}

/** What says how tests are to run is no option of the server, which would refuse it; nor does it get their bound of memory. */
export function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("WEIR_") && name !== "NODE_OPTIONS"),
  );
}
