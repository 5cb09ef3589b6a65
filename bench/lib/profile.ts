import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly where: string;
  readonly ms: number;
  readonly share: number;
}

/** The functions with the most self time in each `.cpuprofile` of a folder (a thread each), idle time left out. */
export function profilesIn(
  folder: string,
  top = 25,
): { readonly file: string; readonly functions: readonly SelfTime[] }[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"));
  return files.map((file) => {
    const profile = JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile;
    return { file, functions: selfTimes(profile).slice(0, top) };
  });
}

export function selfTimes(profile: CpuProfile): SelfTime[] {
  const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node)]));
  const micros = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? "unknown";
    if (name !== "(idle)") micros.set(name, (micros.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  const total = Array.from(micros.values()).reduce((sum, value) => sum + value, 0);
  const times = Array.from(micros, ([where, value]) => ({ where, ms: value / 1000, share: value / total }));
  return times.toSorted((a, b) => b.ms - a.ms);
}

function nameOf(node: ProfileNode): string {
  const { functionName, url, lineNumber } = node.callFrame;
  if (url === "") return functionName === "" ? "(native)" : functionName;
  const place = url.replace(/^.*\/(node_modules\/|src\/)/, "$1");
  return `${functionName === "" ? "(anonymous)" : functionName} ${place}:${lineNumber + 1}`;
}
