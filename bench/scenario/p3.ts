import { setTimeout as pause } from "node:timers/promises";
import { putRule } from "../../test/support/api.ts";
import { type BenchOptions, putBenchRules, withServer } from "../lib/bench-server.ts";
import { Durations } from "../lib/latency.ts";
import { cpuShare, usage } from "../lib/meter.ts";
import { cores, ms, percent, table, whole } from "../lib/report.ts";
import { probeEvent } from "../lib/rules.ts";
import type { Latency } from "../load/protocol.ts";
import { runLoad } from "../load/run-load.ts";

const rule = { rule_id: "markers", window_size: "10s", metric: "count", group_by: ["payload.marker"], active: true };
const markerEveryMs = 130;
const seconds = 25;

/** From an acknowledgement to the push, while a hundred thousand events a second go through ten other rules. */
export async function p3(options: BenchOptions): Promise<string> {
  return withServer(options, async ({ server }) => {
    await putBenchRules(server.queryUrl);
    await putRule(server.queryUrl, rule);
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
    const pushed = await markers(server.ingestUrl, server.queryUrl);
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
    return `100-event requests, 100,000 events/s, ten rules and one of markers; a subscriber with \`interval_ms\` 100. Reach: p50 ≤ 100 ms, p99 ≤ 300 ms.\n\n${table(["", ""], rows)}`;
  });
}

interface Pushed {
  readonly latency: Latency;
  readonly sent: number;
  readonly missing: number;
}

/** Sends markers at uneven moments, so that they do not walk in step with the server's ticks. */
async function markers(ingestUrl: string, queryUrl: string): Promise<Pushed> {
  const seen = new Map<string, number>();
  const socket = await subscribe(queryUrl, (name) => seen.has(name) || seen.set(name, performance.now()));
  const acknowledged = new Map<string, number>();
  const end = performance.now() + (seconds - 2) * 1000;
  for (let index = 0; performance.now() < end; index++) {
    const name = `m${index}`;
    await send(ingestUrl, name);
    acknowledged.set(name, performance.now());
    await pause(markerEveryMs * (0.5 + Math.random()));
  }
  await pause(2000);
  socket.close();
  const durations = new Durations();
  // A push may overtake the acknowledgement by a moment.
  for (const [name, at] of acknowledged) if (seen.has(name)) durations.add(Math.max(0, (seen.get(name) ?? 0) - at));
  return { latency: durations.summary(), sent: acknowledged.size, missing: acknowledged.size - durations.count };
}

async function send(ingestUrl: string, name: string): Promise<void> {
  const body = JSON.stringify([probeEvent(crypto.randomUUID(), name)]);
  const response = await fetch(`${ingestUrl}/ingest`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  if (!response.ok) throw new Error(`a marker was refused: ${response.status} ${await response.text()}`);
  await response.text();
}

function subscribe(queryUrl: string, seen: (marker: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(`${queryUrl.replace("http", "ws")}/live-stats`);
  socket.addEventListener("message", ({ data }) => {
    const frame = JSON.parse(String(data)) as { rule_id?: string; data?: readonly (readonly unknown[])[] };
    if (frame.rule_id === rule.rule_id) for (const row of frame.data ?? []) seen(String(row[1]));
  });
  return new Promise((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error("the subscriber could not connect")));
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ subscribe_rules: [rule.rule_id], interval_ms: 100 }));
      resolve(socket);
    });
  });
}
