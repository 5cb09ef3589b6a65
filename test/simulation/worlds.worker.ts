import { parentPort, workerData } from "node:worker_threads";
import { play } from "./play.ts";
import type { Said, Worlds, WorldsPlayed } from "./play-many.ts";

const { from, count } = workerData as Worlds;
const sum = { worlds: 0, events: 0, deaths: 0 };
let failed: WorldsPlayed["failed"];
const say = (said: Said): void => parentPort!.postMessage(said);
for (let seed = from; seed < from + count && failed === undefined; seed++) {
  say({ begun: seed });
  const { findings, events, deaths } = await play(seed);
  sum.worlds += 1;
  sum.events += events;
  sum.deaths += deaths;
  if (findings.length > 0) failed = { seed, findings };
}
say({ ...sum, failed });
