import { readdir } from "node:fs/promises";
import { processFacts } from "../../support/processes.ts";

/** What is looked at now and then while a server runs for long. */
export interface Reading {
  readonly atHours: number;
  readonly serverMiB: number;
  readonly engineMiB: number;
  readonly descriptors: number;
  readonly parts: number;
}

export interface Growth {
  /** From the middle of the first third to the middle of the last, as a share of the first, an hour. */
  readonly sharePerHour: number;
  readonly first: number;
  readonly last: number;
}

/** How a figure grows: by the medians of the first and the last third, so that no single reading decides. */
export function growth(readings: readonly Reading[], of: (reading: Reading) => number): Growth {
  const third = Math.floor(readings.length / 3);
  const [head, tail] = [readings.slice(0, third), readings.slice(-third)];
  const [first, last] = [median(head.map(of)), median(tail.map(of))];
  const hours = median(tail.map(({ atHours }) => atHours)) - median(head.map(({ atHours }) => atHours));
  return { sharePerHour: (last - first) / first / hours, first, last };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Reads both processes and the engine's parts; `toolsUrl` is where it answers to tools. */
export async function read(
  pids: { server: number; engine: number },
  toolsUrl: string,
  atHours: number,
): Promise<Reading> {
  const [server, engine] = [await processFacts(pids.server), await processFacts(pids.engine)];
  if (server === undefined || engine === undefined) throw new Error("the server or its engine has gone");
  return {
    atHours,
    serverMiB: server.rssBytes / 2 ** 20,
    engineMiB: engine.rssBytes / 2 ** 20,
    descriptors: (await descriptors(pids.server)) + (await descriptors(pids.engine)),
    parts: await activeParts(toolsUrl),
  };
}

const descriptors = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

async function activeParts(toolsUrl: string): Promise<number> {
  const query = "SELECT count() FROM system.parts WHERE active AND database NOT IN ('system', 'information_schema')";
  const response = await fetch(`${toolsUrl}/?query=${encodeURIComponent(query)}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`parts: ${response.status} ${text}`);
  return Number(text);
}
