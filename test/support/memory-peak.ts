import { readFileSync, writeFileSync } from "node:fs";

/** How much more memory a process has had than at the beginning. */
export interface MemoryPeak {
  /** The most since the beginning, MiB. */
  grownMiB(): number;
}

/** Begins to watch the resident memory of a process of our own. Linux keeps the peak itself. */
export function watchMemory(pid: number): MemoryPeak {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = mebibytes(pid, "VmRSS");
  return { grownMiB: () => mebibytes(pid, "VmHWM") - before };
}

function mebibytes(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, "latin1");
  return Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1024);
}
