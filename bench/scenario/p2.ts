import { setTimeout as pause } from "node:timers/promises";
import { type BenchOptions, type BenchServer, putBenchRules, withServer } from "../lib/bench-server.ts";
import { cpuShare, type MemorySample, usage, watchMemory } from "../lib/meter.ts";
import { probe } from "../lib/probe.ts";
import { cores, ms, percent, table, whole } from "../lib/report.ts";
import { benchRules } from "../lib/rules.ts";
import { verifyCounts } from "../lib/verify.ts";
import type { LoadOrder, LoadResult } from "../load/protocol.ts";
import { runLoad } from "../load/run-load.ts";

const eventsPerRequest = 1000;
const findSeconds = 30;
/** Steering by the lag: faster below the first, slower above the second. */
const lagMs = { good: 500, bad: 1200 };

/** The whole path, and with it P7: memory while it runs. */
export async function p2(options: BenchOptions): Promise<string> {
  const rate = options.rate ?? (await withServer({ ...options, cpuProfile: false }, (at) => highestRate(at, options)));
  return withServer(options, (at) => sustained(at, rate, options));
}

/**
 * Looks for the rate at which the backlog neither grows nor vanishes: a little faster while what is acknowledged is
 * counted soon, slower when it waits.
 */
async function highestRate({ server }: BenchServer, options: BenchOptions): Promise<number> {
  await putBenchRules(server.queryUrl);
  let rate = 150_000;
  const load = runLoad(order(server.ingestUrl, rate, 0, findSeconds));
  const watch = probe(server.ingestUrl);
  const kept: number[] = [];
  for (let step = 0; step < findSeconds * 4 - 4; step++) {
    await pause(250);
    const lag = watch.lagMs();
    rate *= lag > lagMs.bad ? 0.96 : lag < lagMs.good ? 1.03 : 1;
    load.command({ type: "rate", requestsPerSecond: rate / eventsPerRequest });
    if (step > findSeconds * 2) kept.push(rate);
  }
  const result = await load.result;
  await watch.stop();
  const found = Math.min(result.events / result.seconds, kept.reduce((sum, value) => sum + value, 0) / kept.length);
  options.note(`P2: about ${whole(found)} events/s are kept up with`);
  return found;
}

async function sustained({ server }: BenchServer, rate: number, options: BenchOptions): Promise<string> {
  await putBenchRules(server.queryUrl);
  const { shape, ...rest } = order(server.ingestUrl, rate, 3, options.seconds);
  const load = runLoad({ shape, ...rest });
  const watch = probe(server.ingestUrl);
  const memory = watchMemory(server.pid);
  let lagMax = 0;
  const lagWatch = setInterval(() => (lagMax = Math.max(lagMax, watch.lagMs())), 100);
  await load.measuring;
  const before = await usage(server.pid);
  const result = await load.result;
  const cpu = cpuShare(before, await usage(server.pid), result.seconds, result.cpuSeconds);
  clearInterval(lagWatch);
  const counted = await watch.stop();
  const verdict = await verifyCounts(server.queryUrl, benchRules, [{ shape, acknowledged: result.acknowledged }]);
  const exact =
    verdict.wrong.length === 0
      ? `all ${whole(verdict.windows)} windows exact`
      : `${verdict.wrong.length} WINDOWS WRONG`;
  for (const line of verdict.wrong.slice(0, 10)) options.note(`P2 wrong: ${line}`);
  const achieved = result.events / result.seconds;
  options.note(
    `P2: ${whole(achieved)} events/s, counted p50 ${ms(counted.p50)}, lag ≤ ${ms(lagMax)}, drained in ${ms(counted.drainMs)}, ${exact}`,
  );
  const rows = [
    ["events/s, acknowledged and counted", whole(achieved)],
    ["intended rate", whole(rate)],
    ["measured for", `${Math.round(result.seconds)} s, ${whole(total(result))} events with the warm-up`],
    ["acknowledged: p50, p99, max", `${ms(result.latency.p50)}, ${ms(result.latency.p99)}, ${ms(result.latency.max)}`],
    ["sent → counted: p50, p99, max", `${ms(counted.p50)}, ${ms(counted.p99)}, ${ms(counted.max)}`],
    ["longest backlog", ms(lagMax)],
    ["backlog drained after the end", ms(counted.drainMs)],
    ["compared with the generator's own counts", exact],
    ["refused, unanswered", `${JSON.stringify(result.refused)}, ${result.unknown}`],
    [
      "CPU: server, engine, generator",
      `${cores(cpu.server)}, ${cores(cpu.engine)}, ${cores(cpu.generator)}; ${percent(cpu.starved)} starved`,
    ],
  ];
  return `Ten rules, ${whole(eventsPerRequest)}-event requests at a fixed rate. Reach: ≥ 300,000 events/s for 60 s.\n\n${table(["", ""], rows)}\n\nMemory (P7; reach: ≤ 1.5 GB for both, flat):\n\n${memoryTable(memory.stop())}`;
}

function order(url: string, rate: number, warmUpSeconds: number, seconds: number): LoadOrder {
  const shape = { seed: Date.now() >>> 0, bodies: 200, eventsPerRequest };
  return { url, shape, connections: 8, requestsPerSecond: rate / eventsPerRequest, warmUpSeconds, seconds };
}

function total(result: LoadResult): number {
  return eventsPerRequest * result.acknowledged.reduce((sum, { n }) => sum + n, 0);
}

function memoryTable(samples: readonly MemorySample[]): string {
  const step = Math.max(1, Math.floor(samples.length / 8));
  const shown = samples.filter((_, index) => index % step === 0);
  const rows = shown.map(({ atSeconds, serverMiB, engineMiB }) => [
    `${atSeconds} s`,
    whole(serverMiB),
    whole(engineMiB),
    whole(serverMiB + engineMiB),
  ]);
  return table(["after", "server MiB", "engine MiB", "both"], rows);
}
