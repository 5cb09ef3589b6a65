import { type BenchOptions, withServer } from "../lib/bench-server.ts";
import { chosen } from "../lib/chosen.ts";
import { cpuShare, usage } from "../lib/meter.ts";
import { cores, ms, percent, table, whole } from "../lib/report.ts";
import type { LoadOrder } from "../load/protocol.ts";
import { runLoad } from "../load/run-load.ts";

interface Case {
  readonly what: string;
  readonly eventsPerRequest: number;
  readonly bodies: number;
  readonly connections: number;
  readonly requestsPerSecond?: number;
}

const cases: readonly Case[] = [
  { what: "1 event, as fast as answered", eventsPerRequest: 1, bodies: 1000, connections: 32 },
  { what: "100 events, as fast as answered", eventsPerRequest: 100, bodies: 500, connections: 16 },
  { what: "1,000 events, as fast as answered", eventsPerRequest: 1000, bodies: 200, connections: 32 },
  { what: "10,000 events, as fast as answered", eventsPerRequest: 10_000, bodies: 20, connections: 2 },
  {
    what: "100 events, 1,000 requests a second",
    eventsPerRequest: 100,
    bodies: 500,
    connections: 32,
    requestsPerSecond: 1000,
  },
  {
    what: "10,000 events, 10 requests a second",
    eventsPerRequest: 10_000,
    bodies: 20,
    connections: 4,
    requestsPerSecond: 10,
  },
];

/** Durable ingest: no rule, so that the path ends with raw events; a fresh server for each case. */
export async function p1(options: BenchOptions): Promise<string> {
  const rows: (string | number)[][] = [];
  for (const one of chosen(cases, options.only, ({ what }) => what)) rows.push(await measure(one, options));
  const head = [
    "requests",
    "events/s",
    "p50",
    "p90",
    "p99",
    "max",
    "server",
    "engine",
    "generator",
    "starved",
    "refused",
  ];
  return `No rules; every request is answered when its events are durable. Reach: 1,000-event requests ≥ 400,000 events/s; 10,000-event request p50 ≤ 25 ms; 100-event requests at 100,000 events/s p99 ≤ 10 ms.\n\n${table(head, rows)}`;
}

async function measure(one: Case, options: BenchOptions): Promise<(string | number)[]> {
  return withServer(options, async ({ server }) => {
    const { eventsPerRequest, bodies, connections, requestsPerSecond } = one;
    const shape = { seed: Date.now() >>> 0, bodies, eventsPerRequest };
    const rate = requestsPerSecond === undefined ? {} : { requestsPerSecond };
    const order: LoadOrder = { url: server.ingestUrl, shape, connections, ...rate, warmUpSeconds: 2, seconds: 8 };
    const load = runLoad(order);
    await load.measuring;
    const before = await usage(server.pid);
    const result = await load.result;
    const cpu = cpuShare(before, await usage(server.pid), result.seconds, result.cpuSeconds);
    const { p50, p90, p99, max } = result.latency;
    const lost = result.unknown === 0 ? JSON.stringify(result.refused) : `${result.unknown} unanswered`;
    options.note(`P1 ${one.what}: ${whole(result.events / result.seconds)} events/s, p50 ${ms(p50)}, p99 ${ms(p99)}`);
    const shares = [cores(cpu.server), cores(cpu.engine), cores(cpu.generator), percent(cpu.starved)];
    return [
      one.what,
      whole(result.events / result.seconds),
      ms(p50),
      ms(p90),
      ms(p99),
      ms(max),
      ...shares,
      lost === "{}" ? "–" : lost,
    ];
  });
}
