import { putRule } from "../../test/support/api.ts";
import { type BenchOptions, putBenchRules, withServer } from "../lib/bench-server.ts";
import { markerRule, markers } from "../lib/markers.ts";
import { cpuShare, usage } from "../lib/meter.ts";
import { cores, ms, percent, table, whole } from "../lib/report.ts";
import { runLoad } from "../load/run-load.ts";

const seconds = 25;

/** From an acknowledgement to the push, while a hundred thousand events a second go through ten other rules. */
export async function p3(options: BenchOptions): Promise<string> {
  return withServer(options, async ({ server }) => {
    await putBenchRules(server.queryUrl);
    await putRule(server.queryUrl, markerRule);
    const shape = { seed: Date.now() >>> 0, bodies: 500, eventsPerRequest: 100 };
    const load = runLoad({
      url: server.ingestUrl,
      shape,
      connections: 16,
      requestsPerSecond: 1000,
      warmUpSeconds: 3,
      seconds,
    });
    await load.measuring;
    const before = await usage(server.pid);
    const pushed = await markers(server.ingestUrl, server.queryUrl, seconds);
    const result = await load.result;
    const cpu = cpuShare(before, await usage(server.pid), result.seconds, result.cpuSeconds);
    const { p50, p90, p99, max } = pushed.latency;
    options.note(`P3: p50 ${ms(p50)}, p99 ${ms(p99)}, ${pushed.missing} of ${pushed.sent} markers missing`);
    const rows = [
      ["acknowledged → pushed: p50, p90, p99, max", [p50, p90, p99, max].map(ms).join(", ")],
      ["markers sent, never pushed", `${pushed.sent}, ${pushed.missing}`],
      [
        "load",
        `${whole(result.events / result.seconds)} events/s, acknowledged p50 ${ms(result.latency.p50)}, p99 ${ms(result.latency.p99)}`,
      ],
      [
        "CPU: server, engine, generator",
        `${[cpu.server, cpu.engine, cpu.generator].map(cores).join(", ")}; ${percent(cpu.starved)} starved`,
      ],
    ];
    return `100-event requests, 100,000 events/s, ten rules and one of markers; a subscriber with \`interval_ms\` 50. Reach: p50 ≤ 100 ms, p99 ≤ 300 ms.\n\n${table(["", ""], rows)}`;
  });
}
