import { setTimeout as pause } from "node:timers/promises";
import { postCounted, putRule } from "../../test/support/api.ts";
import type { ServerProcess } from "../../test/support/server-process.ts";
import { sharedNow, type Tick } from "../../test/faults/sockets/order.ts";
import { Watchers } from "../../test/faults/sockets/watchers.ts";
import { type BenchOptions, withServer } from "../lib/bench-server.ts";
import { cpuShare, type Usage, usage } from "../lib/meter.ts";
import { cores, ms, percent, table, whole } from "../lib/report.ts";

const sockets = 10_000;
const perSecond = 1_000;
const processes = 2;
const ticks = 30;
const intervalMs = 50;
const MiB = 2 ** 20;

/** Ten thousand clients of one rule, which changes once a second. */
export async function p6(options: BenchOptions): Promise<string> {
  return withServer(options, async ({ server }) => {
    await putRule(server.queryUrl, { rule_id: "ticks", window_size: "1d", metric: "count", group_by: ["event_type"] });
    await send(server, 0);
    const idle = await usage(server.pid);
    const crowd = Array.from({ length: processes }, () => new Watchers());
    try {
      return await measured(server, crowd, idle, options.note);
    } finally {
      for (const watchers of crowd) watchers.close();
    }
  });
}

async function measured(
  server: ServerProcess,
  crowd: readonly Watchers[],
  idle: Usage,
  note: BenchOptions["note"],
): Promise<string> {
  const order = { url: server.queryUrl, sockets: sockets / processes, perSecond: perSecond / processes, intervalMs };
  const opened = await Promise.all(crowd.map((one) => one.open({ ...order, rules: ["ticks"], reading: "all" })));
  const before = await usage(server.pid);
  const startedAt = sharedNow();
  const sent = await sendTicks(server);
  const behind = await usage(server.pid);
  const cpu = cpuShare(before, behind, (sharedNow() - startedAt) / 1000, 0);
  const told = await Promise.all(crowd.map((one) => one.delays(sent)));
  const delays = told.flatMap((one) => one.ms).toSorted((a, b) => a - b);
  const at = (share: number): number => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]!;
  note(`P6: p50 ${ms(at(0.5))}, p99 ${ms(at(0.99))}`);
  const grown = (behind.serverRss - idle.serverRss) / MiB;
  const seconds = Math.max(...opened.map((one) => one.ms)) / 1000;
  const rows = [
    ["event sent → pushed: p50, p90, p99, max", [0.5, 0.9, 0.99, 1].map((share) => ms(at(share))).join(", ")],
    [
      "updates that arrived, that never did",
      `${whole(delays.length)}, ${told.reduce((sum, one) => sum + one.missing, 0)}`,
    ],
    ["server's memory", `${whole(behind.serverRss / MiB)} MiB, ${whole(grown)} of them for the sockets`],
    ["all connected within, not connected", `${seconds.toFixed(1)} s, ${opened.flatMap((one) => one.failed).length}`],
    ["CPU: server, engine", `${[cpu.server, cpu.engine].map(cores).join(", ")}; ${percent(cpu.starved)} starved`],
  ];
  return `${whole(sockets)} WebSockets (opened ${whole(perSecond)} a second, by two processes beside the server) of one rule, an event a second; \`interval_ms\` ${intervalMs}. Reach: p99 ≤ 250 ms, ≤ 300 MB.\n\n${table(["", ""], rows)}`;
}

async function sendTicks(server: ServerProcess): Promise<readonly Tick[]> {
  const sent: Tick[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    const sentAt = sharedNow();
    await send(server, tick);
    // The first one was counted before anybody watched.
    sent.push({ value: tick + 1, sentAt });
    await pause(Math.max(0, 1000 - (sharedNow() - sentAt)));
  }
  await pause(2000);
  return sent;
}

const send = (server: ServerProcess, tick: number): Promise<unknown> =>
  postCounted(server.ingestUrl, [
    {
      event_id: `tick ${tick}`,
      user_id: "ticker",
      event_type: "tick",
      timestamp: new Date().toISOString(),
      payload: {},
    },
  ]);
