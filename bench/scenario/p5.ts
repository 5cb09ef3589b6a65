import { setTimeout as pause } from "node:timers/promises";
import { rulesMax } from "../../src/rulebook/room.ts";
import { type BenchOptions, type BenchServer, withServer } from "../lib/bench-server.ts";
import { chosen } from "../lib/chosen.ts";
import { Durations } from "../lib/latency.ts";
import { manyRules } from "../lib/many-rules.ts";
import { cpuShare, usage } from "../lib/meter.ts";
import { probe } from "../lib/probe.ts";
import { cores, ms, table, whole } from "../lib/report.ts";
import { type BenchRule, wireRule } from "../lib/rules.ts";
import { verifyCounts } from "../lib/verify.ts";
import type { LoadOrder } from "../load/protocol.ts";
import { runLoad } from "../load/run-load.ts";

const addedRules = 20;
/** The last is all that a server takes. */
const counts = [10, 100, 1000, rulesMax - addedRules];
const eventsPerRequest = 1000;
const addingSeconds = 8;
/** Of so many rules every window is compared; of all would take longer than the measurement. */
const comparedMax = 50;

/** What rules cost: a fixed rate through 10 to 10,000 of them, what the engine needs for it, and how long adding one takes. */
export async function p5(options: BenchOptions): Promise<string> {
  const rows: string[][] = [];
  for (const count of chosen(counts, options.only))
    rows.push(await withServer(options, (at) => measured(at, count, options)));
  const head = ["rules", "events/s", "longest backlog", "engine, server: cores", "engine CPU per 100,000 events"];
  const more = ["server memory a rule", "adding a rule: p50, max", "compared"];
  return `Rules of 20 shapes (four windows, five groupings of 1 to 900 groups), 100 different filters, four metrics; 1,000-event requests at a fixed rate. Reach: ≥ 100,000 events/s with 1,000 rules, adding one within 50 ms.\n\n${table([...head, ...more], rows)}`;
}

async function measured({ server }: BenchServer, count: number, options: BenchOptions): Promise<string[]> {
  const rules = manyRules(count);
  const before = await usage(server.pid);
  await putAll(server.queryUrl, rules);
  await pause(5000);
  const known = await usage(server.pid);
  const { shape, ...rest } = order(server.ingestUrl, options);
  const load = runLoad({ shape, ...rest });
  const watch = probe(server.ingestUrl);
  let lagMax = 0;
  const lagWatch = setInterval(() => (lagMax = Math.max(lagMax, watch.lagMs())), 100);
  await load.measuring;
  const begun = await usage(server.pid);
  const result = await load.result;
  const ended = await usage(server.pid);
  clearInterval(lagWatch);
  const { drainMs } = await watch.stop();
  const drained = await usage(server.pid);
  const cpu = cpuShare(begun, ended, result.seconds, result.cpuSeconds);
  const compared = rules.filter((_, index) => index % Math.ceil(count / comparedMax) === 0);
  const verdict = await verifyCounts(server.queryUrl, compared, [{ shape, acknowledged: result.acknowledged }]);
  for (const line of verdict.wrong.slice(0, 10)) options.note(`P5 wrong: ${line}`);
  // Apart, since a rule that is added is filled with all that there is, and what waits to be counted waits for that too.
  const added = await addedWhileLoaded(server, { ...rest, shape: { ...shape, seed: shape.seed + 1 } });
  const rate = result.events / result.seconds;
  const enginePer = (100_000 * (drained.engineCpu - begun.engineCpu)) / result.events;
  const row = [
    whole(count),
    whole(rate),
    `${ms(lagMax)}, drained in ${ms(drainMs)}`,
    `${cores(cpu.engine)}, ${cores(cpu.server)}`,
    `${Math.round(enginePer * 1000)} ms`,
    `${whole(Math.max(0, known.serverRss - before.serverRss) / 1024 / count)} KiB`,
    `${ms(added.p50)}, ${ms(added.max)}`,
    verdict.wrong.length === 0
      ? `${whole(verdict.windows)} windows of ${compared.length} rules, all exact`
      : `${verdict.wrong.length} WINDOWS WRONG`,
  ];
  options.note(`P5: ${row.join(" | ")}`);
  return row;
}

async function addedWhileLoaded(server: BenchServer["server"], load: LoadOrder): Promise<{ p50: number; max: number }> {
  const running = runLoad({ ...load, warmUpSeconds: 1, seconds: addingSeconds });
  await running.measuring;
  const added = await addRules(server.queryUrl, addingSeconds);
  await running.result;
  return added;
}

/** Rules that are added while events flow, spread over the measurement. */
async function addRules(queryUrl: string, seconds: number): Promise<{ p50: number; max: number }> {
  const durations = new Durations();
  for (let index = 0; index < addedRules; index++) {
    const startedAt = performance.now();
    const rule = { rule_id: `added_${index}`, window_size: "1m", metric: "count", group_by: ["event_type"] };
    const response = await fetch(`${queryUrl}/aggregation-rule`, json("POST", rule));
    await response.text();
    if (response.status !== 201) throw new Error(`adding a rule was answered with ${response.status}`);
    durations.add(performance.now() - startedAt);
    await pause((seconds * 800) / addedRules);
  }
  return durations.summary();
}

async function putAll(queryUrl: string, rules: readonly BenchRule[]): Promise<void> {
  const response = await fetch(`${queryUrl}/aggregation-rules`, json("PUT", { rules: rules.map(wireRule) }));
  if (!response.ok) throw new Error(`the rules were answered with ${response.status}: ${await response.text()}`);
  await response.text();
}

const json = (method: string, body: object): RequestInit => ({
  method,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

function order(url: string, { rate = 100_000, seconds }: BenchOptions): LoadOrder {
  const shape = { seed: Date.now() >>> 0, bodies: 200, eventsPerRequest };
  return { url, shape, connections: 8, requestsPerSecond: rate / eventsPerRequest, warmUpSeconds: 5, seconds };
}
