import { readFile } from "node:fs/promises";
import { descendants, type ProcessFacts, processFacts } from "../../test/support/processes.ts";

/** CPU time and memory of the server and of its engine child. */
export interface Usage {
  readonly serverCpu: number;
  readonly engineCpu: number;
  /** How long the server's main thread could have run but had no processor, seconds. */
  readonly serverWait: number;
  readonly serverRss: number;
  readonly engineRss: number;
}

export async function usage(serverPid: number): Promise<Usage> {
  const server = await processFacts(serverPid);
  const children = await descendants(serverPid);
  const sum = (of: (facts: ProcessFacts) => number): number => children.reduce((total, child) => total + of(child), 0);
  return {
    serverCpu: server?.cpuSeconds ?? 0,
    engineCpu: sum((child) => child.cpuSeconds),
    serverWait: await waitedForProcessor(serverPid),
    serverRss: server?.rssBytes ?? 0,
    engineRss: sum((child) => child.rssBytes),
  };
}

export interface CpuShare {
  /** Processors in use on average: 1 is one core. */
  readonly server: number;
  readonly engine: number;
  readonly generator: number;
  /** Share of the time for which the server's main thread waited for a processor: what else runs disturbs the figures. */
  readonly starved: number;
}

/** What a stretch of `seconds` between two readings cost. */
export function cpuShare(before: Usage, behind: Usage, seconds: number, generatorCpu: number): CpuShare {
  return {
    server: (behind.serverCpu - before.serverCpu) / seconds,
    engine: (behind.engineCpu - before.engineCpu) / seconds,
    generator: generatorCpu / seconds,
    starved: (behind.serverWait - before.serverWait) / seconds,
  };
}

async function waitedForProcessor(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/task/${pid}/schedstat`, "latin1").catch(() => "0 0 0");
  return Number(text.split(" ")[1]) / 1e9;
}

export interface MemorySample {
  readonly atSeconds: number;
  readonly serverMiB: number;
  readonly engineMiB: number;
}

/** Reads memory every second until stopped. */
export function watchMemory(serverPid: number): { stop(): MemorySample[] } {
  const samples: MemorySample[] = [];
  const startedAt = performance.now();
  const timer = setInterval(() => {
    void usage(serverPid).then(({ serverRss, engineRss }) => {
      const atSeconds = Math.round((performance.now() - startedAt) / 1000);
      samples.push({ atSeconds, serverMiB: serverRss / 2 ** 20, engineMiB: engineRss / 2 ** 20 });
    });
  }, 1000);
  return { stop: () => (clearInterval(timer), samples) };
}
