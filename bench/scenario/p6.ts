import { setTimeout as pause } from "node:timers/promises";
import { allStats, postCounted, putRule } from "../../test/support/api.ts";
import type { ServerProcess } from "../../test/support/server-process.ts";
import { type Mode, modes, sharedNow, type Tick } from "../../test/faults/sockets/order.ts";
import { assembledAs, Watchers } from "../../test/faults/sockets/watchers.ts";
import { type BenchOptions, withServer } from "../lib/bench-server.ts";
import { chosen } from "../lib/chosen.ts";
import { cpuShare, type Usage, usage } from "../lib/meter.ts";
import { columns, cores, ms, percent, whole } from "../lib/report.ts";

const perSecond = 1_000;
const processes = 2;
const ticks = 30;
const intervalMs = 50;
const MiB = 2 ** 20;

/** Ten thousand clients of one rule, which changes once a second. */
export async function p6(options: BenchOptions): Promise<string> {
  const perMode: { head: Mode; cells: readonly string[] }[] = [];
  for (const mode of chosen(modes, options.mode)) perMode.push({ head: mode, cells: await withCrowd(mode, options) });
  return `${whole(options.sockets)} WebSockets (opened ${whole(perSecond)} a second, by two processes beside the server) of one rule, an event a second; \`interval_ms\` ${intervalMs}; each mode by itself, and in \`delta\` all have put together what \`/stats\` answers. Reach: p99 ≤ 250 ms, ≤ 300 MB.\n\n${columns(what, perMode)}`;
}

const what = [
  "event sent → pushed: p50, p90, p99, max",
  "updates that arrived, that never did",
  "server's memory",
  "all connected within, not connected",
  "CPU: server, engine",
];

async function withCrowd(mode: Mode, options: BenchOptions): Promise<readonly string[]> {
  return withServer(options, async ({ server }) => {
    await putRule(server.queryUrl, { rule_id: "ticks", window_size: "1d", metric: "count", group_by: ["event_type"] });
    await send(server, 0);
    const idle = await usage(server.pid);
    const crowd = Array.from({ length: processes }, () => new Watchers());
    try {
      return await measured(server, crowd, idle, { ...options, mode });
    } finally {
      for (const watchers of crowd) watchers.close();
    }
  });
}

/** A cell for each of `what`. */
async function measured(
  server: ServerProcess,
  crowd: readonly Watchers[],
  idle: Usage,
  { mode, sockets, note }: BenchOptions & { readonly mode: Mode },
): Promise<readonly string[]> {
  const share = { sockets: sockets / processes, perSecond: perSecond / processes, intervalMs, mode };
  const order = { ...share, url: server.queryUrl, rules: ["ticks"], reading: "all" } as const;
  const opened = await Promise.all(crowd.map((one) => one.open(order)));
  const before = await usage(server.pid);
  const startedAt = sharedNow();
  const sent = await sendTicks(server);
  const behind = await usage(server.pid);
  const cpu = cpuShare(before, behind, (sharedNow() - startedAt) / 1000, 0);
  const told = await Promise.all(crowd.map((one) => one.delays(sent)));
  // A figure of what is wrong is none.
  if (mode === "delta") await assembledAs(crowd, () => allStats(server.queryUrl, "ticks", 0, Date.now() + 86_400_000));
  const delays = told.flatMap((one) => one.ms).toSorted((a, b) => a - b);
  const at = (share: number): number => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]!;
  note(`P6, ${mode}: p50 ${ms(at(0.5))}, p99 ${ms(at(0.99))}`);
  const grown = (behind.serverRss - idle.serverRss) / MiB;
  const seconds = Math.max(...opened.map((one) => one.ms)) / 1000;
  return [
    [0.5, 0.9, 0.99, 1].map((share) => ms(at(share))).join(", "),
    `${whole(delays.length)}, ${told.reduce((sum, one) => sum + one.missing, 0)}`,
    `${whole(behind.serverRss / MiB)} MiB, ${whole(grown)} of them for the sockets`,
    `${seconds.toFixed(1)} s, ${opened.flatMap((one) => one.failed).length}`,
    `${[cpu.server, cpu.engine].map(cores).join(", ")}; ${percent(cpu.starved)} starved`,
  ];
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
