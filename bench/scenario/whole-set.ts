import { Installation, type Name } from "../../test/faults/roles/installation.ts";
import { descendants } from "../../test/support/processes.ts";
import { type BenchOptions, putBenchRules, withServer } from "../lib/bench-server.ts";
import { probe } from "../lib/probe.ts";
import { cores, ms, table, whole } from "../lib/report.ts";
import { benchRules } from "../lib/rules.ts";
import { verifyCounts } from "../lib/verify.ts";
import type { LoadResult } from "../load/protocol.ts";
import { type RunningLoad, runLoad } from "../load/run-load.ts";

const eventsPerRequest = 1000;
const warmUpSeconds = 3;
const names: readonly Name[] = ["ingest-1", "ingest-2", "processor-1", "processor-2", "query-1"];

/** Where events are sent, divided evenly, and where questions are asked. */
interface Target {
  readonly ingestUrls: readonly string[];
  readonly queryUrl: string;
}

/** The same load on one process with everything embedded, and on three brokers and five processes of one role each. */
export async function wholeSet(options: BenchOptions): Promise<string> {
  const rate = options.rate ?? 20_000;
  const embedded = await withServer(options, ({ server: { ingestUrl, queryUrl } }) =>
    measured({ ingestUrls: [ingestUrl], queryUrl }, rate, options),
  );
  const set = await onTheSet((target) => measured(target, rate, options));
  const rows = Array.from(embedded, ([what, value]) => [what, value, set.get(what)!]);
  for (const part of set.keys()) if (!embedded.has(part)) rows.push([part, "–", set.get(part)!]);
  return `${whole(rate)} events/s for ${options.seconds} s in requests of ${whole(eventsPerRequest)}, ten rules. The set: 3 brokers (each partition on all of them), 2 \`ingest\`, 2 \`processor\`, 1 \`query\`, the engine in a process of its own, MongoDB's protocol by FerretDB; all on one machine.\n\n${table(["", "one process, embedded", "the whole set"], rows)}`;
}

async function onTheSet<T>(work: (target: Target) => Promise<T>): Promise<T> {
  const all = await Installation.open(3);
  try {
    await Promise.all(names.map((name) => all.start(name)));
    const ingestUrls = [all.of("ingest-1").ingestUrl, all.of("ingest-2").ingestUrl];
    return await work({ ingestUrls, queryUrl: all.of("query-1").queryUrl });
  } finally {
    await all.close();
  }
}

async function measured(
  { ingestUrls, queryUrl }: Target,
  rate: number,
  { seconds, note }: BenchOptions,
): Promise<Map<string, string>> {
  await putBenchRules(queryUrl);
  const shapes = ingestUrls.map((_, index) => ({ seed: Date.now() + index, bodies: 100, eventsPerRequest }));
  const requestsPerSecond = rate / eventsPerRequest / ingestUrls.length;
  const loads = ingestUrls.map((url, index) =>
    runLoad({ url, shape: shapes[index]!, connections: 4, requestsPerSecond, warmUpSeconds, seconds }),
  );
  const watch = probe(ingestUrls[0]!);
  await Promise.all(loads.map(({ measuring }) => measuring));
  const before = await cpuByPart();
  const results = await resultsOf(loads);
  const cpu = await cpuByPart();
  const counted = await watch.stop();
  const acknowledged = results.map((result, index) => ({
    shape: shapes[index]!,
    acknowledged: result.acknowledged,
  }));
  const { windows, wrong } = await verifyCounts(queryUrl, benchRules, acknowledged);
  for (const line of wrong.slice(0, 10)) note(`wrong: ${line}`);
  const worst = (of: (result: LoadResult) => number): string => ms(Math.max(...results.map(of)));
  return new Map([
    ["events/s, acknowledged", whole(results.reduce((sum, result) => sum + result.events / result.seconds, 0))],
    [
      "acknowledged: p50, p99, max",
      [worst((each) => each.latency.p50), worst((each) => each.latency.p99), worst((each) => each.latency.max)].join(
        ", ",
      ),
    ],
    ["sent → counted: p50, p99, max", [counted.p50, counted.p99, counted.max].map(ms).join(", ")],
    ["drained after the end", ms(counted.drainMs)],
    ["compared with the generators' own counts", wrong.length === 0 ? `all ${whole(windows)} windows exact` : "WRONG"],
    ["refused, unanswered", results.map(({ refused, unknown }) => `${JSON.stringify(refused)}, ${unknown}`).join("; ")],
    ["processors used by generators", cores(results.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / seconds)],
    ...Array.from(cpu, ([part, used]): [string, string] => [
      `processors used by ${part}`,
      cores((used - (before.get(part) ?? 0)) / seconds),
    ]),
  ]);
}

async function resultsOf(loads: readonly RunningLoad[]): Promise<readonly LoadResult[]> {
  return Promise.all(loads.map(({ result }) => result));
}

const parts: readonly (readonly [part: string, command: RegExp])[] = [
  ["brokers", /kafka\.Kafka/],
  ["FerretDB", /ferretdb/],
  ["the engine", /engine/],
  ["`ingest`", /--roles ingest/],
  ["`processor`", /--roles processor/],
  ["`query`", /--roles query/],
  ["the server", /weir\.mjs/],
];

/** Seconds of processor time of what the bench has started, by what it is. */
async function cpuByPart(): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const { command, cpuSeconds } of await descendants(process.pid)) {
    const [part] = parts.find(([, pattern]) => pattern.test(command)) ?? [];
    if (part !== undefined) used.set(part, (used.get(part) ?? 0) + cpuSeconds);
  }
  return used;
}
