import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Point, readTrace, type Traced } from "./trace-text.ts";

/** What is done to calls, each thread's counted for itself from when it is watched. */
export interface Injection {
  readonly calls: readonly string[];
  /** Which of them, as strace's `when`: `3` the third, `3+` that and all later ones, `3+2` every second from the third on. */
  readonly when: string;
  /** They are not made, and fail so. */
  readonly error?: "EIO" | "ENOSPC";
  /** They begin so much later. */
  readonly delayMs?: number;
}

export interface TraceOptions {
  readonly pid: number;
  readonly calls: readonly string[];
  /** Only calls that concern one of these files are counted; all when left out. */
  readonly files?: readonly string[];
  /** Kill the process at this call. */
  readonly killAt?: Point;
  readonly inject?: Injection;
}

export interface Trace {
  /** Resolves when the process has ended, or `detach` was called. */
  readonly ended: Promise<Traced>;
  /** Lets the process go on by itself. */
  detach(): Promise<Traced>;
}

/** Why processes can't be watched here, for people; undefined when they can. */
export function whyNoStrace(): string | undefined {
  if (spawnSync("strace", ["-V"]).status !== 0) return "strace is not installed";
  const idle = spawn("sleep", ["60"], { stdio: "ignore" });
  try {
    const tried = spawnSync("timeout", [
      "-s",
      "INT",
      "0.3",
      "strace",
      "-qq",
      "-o",
      "/dev/null",
      "-p",
      String(idle.pid),
    ]);
    const said = tried.stderr.toString().trim();
    return said === "" ? undefined : `strace may not watch a process that runs: ${said}`;
  } finally {
    idle.kill("SIGKILL");
  }
}

/**
 * Watches a process that runs, all of its threads and not its children; resolves when that has begun. With `killAt` the
 * process gets a SIGKILL as it enters that call, which then is not made; what `inject` says is done to some calls.
 */
export async function trace(options: TraceOptions): Promise<Trace> {
  const folder = mkdtempSync(join(tmpdir(), "weir-trace-"));
  const file = join(folder, "trace");
  const only = (options.files ?? []).flatMap((path) => ["-P", path]);
  const strace = spawn(
    "strace",
    // `-b execve`: children are let go, before they are another program.
    [
      ...["-f", "-b", "execve", "-y", "-s", "0", "-ttt", "-o", file, ...only],
      ...["-e", `trace=${options.calls.join(",")}`, ...injected(options), "-p", String(options.pid)],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const closed = once(strace, "close");
  await attached(strace);
  const ended = closed.then((): Traced => {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    rmSync(folder, { recursive: true, force: true });
    return readTrace(text, options.killAt);
  });
  const detach = async (): Promise<Traced> => {
    strace.kill("SIGINT");
    // Told so while the process dies it may wait for one thread before another, for ever; what it knows it has written.
    const stuck = setTimeout(() => strace.kill("SIGKILL"), 1_000);
    return ended.finally(() => clearTimeout(stuck));
  };
  return { ended, detach };
}

/** It says so on its error output; the threads that there are by then are watched, and all that they make. */
function attached(strace: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    strace.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("attached")) resolve();
    });
    strace.once("error", reject);
    strace.once("close", () => reject(new Error(`strace could not watch the process: ${said}`)));
  });
}

function injected({ killAt, inject }: TraceOptions): string[] {
  const kill = killAt === undefined ? [] : ["-e", `inject=${killAt.call}:signal=KILL:when=${killAt.nth}`];
  if (inject === undefined) return kill;
  const { calls, when, error, delayMs } = inject;
  const fault = error === undefined ? "" : `:error=${error}`;
  const delay = delayMs === undefined ? "" : `:delay_enter=${delayMs * 1000}`;
  return [...kill, "-e", `inject=${calls.join(",")}${fault}${delay}:when=${when}`];
}
