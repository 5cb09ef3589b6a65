import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The `nth` system call of this name that one thread makes, counted from when it is watched. */
export interface Point {
  readonly call: string;
  readonly nth: number;
}

export interface TraceOptions {
  readonly pid: number;
  readonly calls: readonly string[];
  /** Only calls that concern one of these files are counted; all when left out. */
  readonly files?: readonly string[];
  /** Kill the process at this call. */
  readonly killAt?: Point;
}

/** A call that was made. */
export interface Count {
  /** How often, by all threads. */
  readonly all: number;
  /** The nth call, as strace writes it, of the thread that came first to its nth. */
  readonly reached: readonly string[];
}

export interface Traced {
  /** By the call's name. */
  readonly counts: ReadonlyMap<string, Count>;
  /** The call at which the process was killed, as strace writes it; undefined when that did not happen. */
  readonly killedAt: string | undefined;
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
 * process gets a SIGKILL as it enters that call, which then is not made.
 */
export async function trace(options: TraceOptions): Promise<Trace> {
  const folder = mkdtempSync(join(tmpdir(), "weir-trace-"));
  const file = join(folder, "trace");
  const { killAt } = options;
  const inject = killAt === undefined ? [] : ["-e", `inject=${killAt.call}:signal=KILL:when=${killAt.nth}`];
  const only = (options.files ?? []).flatMap((path) => ["-P", path]);
  const strace = spawn(
    "strace",
    // `-b execve`: children are let go, before they are another program.
    [
      ...["-f", "-b", "execve", "-y", "-s", "0", "-o", file, ...only],
      ...["-e", `trace=${options.calls.join(",")}`, ...inject, "-p", String(options.pid)],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const closed = once(strace, "close");
  await attached(strace);
  const ended = closed.then((): Traced => {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    rmSync(folder, { recursive: true, force: true });
    return readTrace(text, killAt);
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

/** Reads what strace wrote: a line a call, `<thread> <call>(…`, or `<thread> +++ killed by SIGKILL +++`. */
export function readTrace(text: string, killAt?: Point): Traced {
  const made = new Map<string, number>();
  const counts = new Map<string, Count>();
  let last: string | undefined;
  for (const line of text.split("\n")) {
    const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (thread === undefined || call === undefined) continue;
    const count = (made.get(`${thread} ${call}`) ?? 0) + 1;
    made.set(`${thread} ${call}`, count);
    const { all, reached } = counts.get(call) ?? { all: 0, reached: [] };
    counts.set(call, { all: all + 1, reached: count > reached.length ? [...reached, line] : reached });
    if (call === killAt?.call && count === killAt.nth) last ??= line;
  }
  return { counts, killedAt: text.includes("+++ killed by SIGKILL +++") ? last : undefined };
}
