import { closeSync, openSync, readSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";

export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** User and system time of all its threads so far. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

// Linux gives these to every program as 100 ticks a second and 4 KiB pages on the machines that tests run on.
const ticksPerSecond = 100;
const pageBytes = 4096;

/** What the system knows of a process; undefined when it has gone. Linux only. */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const command = (await readFile(`/proc/${pid}/cmdline`, "latin1")).replaceAll("\0", " ");
    // The name in parentheses may hold blanks; the fields behind it do not.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [parent = 0, userTicks = 0, systemTicks = 0, pages = 0] = [fields[1], fields[11], fields[12], fields[21]];
    return {
      pid,
      parent,
      command,
      cpuSeconds: (userTicks + systemTicks) / ticksPerSecond,
      rssBytes: pages * pageBytes,
    };
  } catch {
    return undefined;
  }
}

/** The children of a process, and theirs. */
export async function descendants(pid: number): Promise<ProcessFacts[]> {
  const children = Map.groupBy(parents(), ({ parent }) => parent);
  const below = (of: number): number[] => (children.get(of) ?? []).flatMap((child) => [child.pid, ...below(child.pid)]);
  return (await Promise.all(below(pid).map(processFacts))).filter((facts) => facts !== undefined);
}

/** Of all processes. Asked for again and again while one is waited for, and so by the quickest way. */
function parents(): { readonly pid: number; readonly parent: number }[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = beginOf(`/proc/${pid}/stat`);
      return [{ pid: Number(pid), parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ", 2)[1]) }];
    } catch {
      return [];
    }
  });
}

/** Of a file of a size that is not known Node would read 64 KiB. */
const begin = Buffer.alloc(1024);

function beginOf(path: string): string {
  const file = openSync(path, "r");
  try {
    return begin.toString("latin1", 0, readSync(file, begin, 0, begin.length, 0));
  } finally {
    closeSync(file);
  }
}

/** The engine children of a server: none or one, and for a moment two. */
export async function enginesOf(serverPid: number): Promise<number[]> {
  return (await descendants(serverPid)).filter(({ command }) => command.includes("engine")).map(({ pid }) => pid);
}

/** Whether the engine of this id is still there: many times quicker than to look for those of its server. */
export const isEngine = async (pid: number): Promise<boolean> =>
  (await processFacts(pid))?.command.includes("engine") === true;

/** kill -9 of whatever engine it has now. */
export const killEngines = (serverPid: number): Promise<void> => signalEngines(serverPid, "SIGKILL");

export async function signalEngines(serverPid: number, signal: NodeJS.Signals): Promise<void> {
  for (const pid of await enginesOf(serverPid)) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself meanwhile.
    }
  }
}

/** The engine child of a server. */
export async function engineOf(serverPid: number): Promise<number> {
  for (const end = performance.now() + 120_000; performance.now() < end;) {
    const [engine] = await enginesOf(serverPid);
    if (engine !== undefined) return engine;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`server ${serverPid} has no engine child`);
}
