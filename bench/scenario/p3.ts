import { type Mode, modes } from "../../test/faults/sockets/order.ts";
import { putRule } from "../../test/support/api.ts";
import { type BenchOptions, putBenchRules, withServer } from "../lib/bench-server.ts";
import { chosen } from "../lib/chosen.ts";
import { markerRule, markers } from "../lib/markers.ts";
import { cpuShare, usage } from "../lib/meter.ts";
import { columns, cores, ms, percent, whole } from "../lib/report.ts";
import { runLoad } from "../load/run-load.ts";

const seconds = 25;
const intervalMs = 50;
const eventsPerRequest = 100;

/** From an acknowledgement to the push, while a hundred thousand events a second go through ten other rules. */
export async function p3(options: BenchOptions): Promise<string> {
  const rate = options.rate ?? 100_000;
  const perMode: { head: Mode; cells: readonly string[] }[] = [];
  for (const mode of chosen(modes, options.mode))
    perMode.push({ head: mode, cells: await measured(mode, rate, options) });
  return `100-event requests, ${whole(rate)} events/s, ten rules and one of markers; a subscriber with \`interval_ms\` ${intervalMs}, in each mode by itself. Reach: p50 ≤ 100 ms, p99 ≤ 300 ms.\n\n${columns(what, perMode)}`;
}

const what = [
  "acknowledged → pushed: p50, p90, p99, max",
  "markers sent, never pushed",
  "load",
  "CPU: server, engine, generator",
];

/** A cell for each of `what`. */
async function measured(mode: Mode, rate: number, options: BenchOptions): Promise<readonly string[]> {
  return withServer(options, async ({ server }) => {
    await putBenchRules(server.queryUrl);
    await putRule(server.queryUrl, markerRule);
    const load = runLoad({
      url: server.ingestUrl,
      shape: { seed: Date.now() >>> 0, bodies: 500, eventsPerRequest },
      connections: 16,
      requestsPerSecond: rate / eventsPerRequest,
      warmUpSeconds: 3,
      seconds,
    });
    await load.measuring;
    const before = await usage(server.pid);
    const pushed = await markers(server.ingestUrl, server.queryUrl, seconds, { intervalMs, mode });
    const result = await load.result;
    const cpu = cpuShare(before, await usage(server.pid), result.seconds, result.cpuSeconds);
    const { p50, p90, p99, max } = pushed.latency;
    options.note(`P3, ${mode}: p50 ${ms(p50)}, p99 ${ms(p99)}, ${pushed.missing} of ${pushed.sent} markers missing`);
    return [
      [p50, p90, p99, max].map(ms).join(", "),
      `${pushed.sent}, ${pushed.missing}`,
      `${whole(result.events / result.seconds)} events/s, acknowledged p50 ${ms(result.latency.p50)}, p99 ${ms(result.latency.p99)}`,
      `${[cpu.server, cpu.engine, cpu.generator].map(cores).join(", ")}; ${percent(cpu.starved)} starved`,
    ];
  });
}
