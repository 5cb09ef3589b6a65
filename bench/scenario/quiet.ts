import { putRule } from "../../test/support/api.ts";
import { type BenchOptions, putBenchRules, withServer } from "../lib/bench-server.ts";
import { markerRule, markers } from "../lib/markers.ts";
import { cpuShare, usage } from "../lib/meter.ts";
import { cores, ms, table, whole } from "../lib/report.ts";
import { runLoad } from "../load/run-load.ts";

const seconds = 12;

const loads = [
  { eventsPerRequest: 1, requestsPerSecond: 20 },
  { eventsPerRequest: 10, requestsPerSecond: 100 },
  { eventsPerRequest: 100, requestsPerSecond: 200 },
] as const;

/** Undefined: nobody watches. */
const watched = [undefined, 1000, 250, 50] as const;

/** What a server with ten rules takes when there is little to do, which is most of the time. */
export async function quiet(options: BenchOptions): Promise<string> {
  const rows: string[][] = [];
  for (const load of loads) for (const intervalMs of watched) rows.push(await measure(load, intervalMs, options));
  const head = ["events/s", "watched with `interval_ms`", "server", "engine", "acknowledged → pushed: p50, p99"];
  return `Ten rules and one of markers, which somebody watches or nobody.\n\n${table(head, rows)}`;
}

async function measure(
  load: (typeof loads)[number],
  intervalMs: (typeof watched)[number],
  options: BenchOptions,
): Promise<string[]> {
  return withServer(options, async ({ server }) => {
    await putBenchRules(server.queryUrl);
    await putRule(server.queryUrl, markerRule);
    const shape = { seed: Date.now() >>> 0, bodies: 200, eventsPerRequest: load.eventsPerRequest };
    const order = { url: server.ingestUrl, shape, connections: 8, warmUpSeconds: 3, seconds };
    const running = runLoad({ ...order, requestsPerSecond: load.requestsPerSecond });
    await running.measuring;
    const before = await usage(server.pid);
    const pushed = intervalMs && (await markers(server.ingestUrl, server.queryUrl, seconds, { intervalMs }));
    const result = await running.result;
    const cpu = cpuShare(before, await usage(server.pid), result.seconds, result.cpuSeconds);
    const latency = pushed ? [pushed.latency.p50, pushed.latency.p99].map(ms).join(", ") : "–";
    const events = whole(load.eventsPerRequest * load.requestsPerSecond);
    options.note(`quiet, ${events} events/s, watched every ${intervalMs ?? "–"} ms: engine ${cores(cpu.engine)}`);
    return [
      events,
      intervalMs === undefined ? "nobody" : `${intervalMs}`,
      cores(cpu.server),
      cores(cpu.engine),
      latency,
    ];
  });
}
