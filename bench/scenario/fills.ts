import { setTimeout as pause } from "node:timers/promises";
import { postCounted, putRule, rulesSettled } from "../../test/support/api.ts";
import { type BenchOptions, putBenchRules, withServer } from "../lib/bench-server.ts";
import { manyRules } from "../lib/many-rules.ts";
import { markerRule, markers } from "../lib/markers.ts";
import { cpuShare, usage } from "../lib/meter.ts";
import { cores, ms, table, whole } from "../lib/report.ts";
import { benchRules, probeEvent, wireRule } from "../lib/rules.ts";
import { runLoad } from "../load/run-load.ts";

/** The same rules are there and live in one stretch, and being filled in the next, so that only the fill is the difference. */
const stretches = ["live", "being filled", "live", "being filled"] as const;
const ruleCount = 10;
const secondsEach = 15;
const eventsPerRequest = 100;

/** Acknowledgement and push at a fixed rate, by turns without and with a fill. */
export async function fills(options: BenchOptions): Promise<string> {
  return withServer(options, async ({ server }) => {
    await putBenchRules(server.queryUrl);
    await putRule(server.queryUrl, markerRule);
    await store(server.ingestUrl, options.events);
    await makeAnew(server.queryUrl);
    await rulesSettled(server.queryUrl, 300_000);
    const rows: string[][] = [];
    for (const stretch of stretches) {
      const row = [
        `ten more rules ${stretch}`,
        ...(await measured(server, stretch === "live", options.rate ?? 50_000)),
      ];
      options.note(`fills: ${row.join(" | ")}`);
      rows.push(row);
    }
    const alone = await filledAlone(server.queryUrl);
    const head = ["", "acknowledged: p50, p99, max", "acknowledged → pushed: p50, p99, max"];
    return `${whole(options.events)} events of history, ten live rules and one of markers; ${whole(options.rate ?? 50_000)} events/s in 100-event requests. A fill begins anew when it is done. With no event coming, ten rules are filled with ${alone} events/s.\n\n${table([...head, "history filled, events/s", "CPU: server, engine, generator"], rows)}`;
  });
}

async function store(ingestUrl: string, events: number): Promise<void> {
  const shape = { seed: 7, bodies: 50, eventsPerRequest: 1000 };
  const rate = 150_000;
  const load = runLoad({
    url: ingestUrl,
    shape,
    connections: 8,
    requestsPerSecond: rate / 1000,
    warmUpSeconds: 0,
    seconds: events / rate,
  });
  await load.result;
  await postCounted(ingestUrl, [probeEvent(crypto.randomUUID())]);
}

async function measured(
  server: { pid: number; ingestUrl: string; queryUrl: string },
  areLive: boolean,
  rate: number,
): Promise<string[]> {
  const load = runLoad({
    url: server.ingestUrl,
    shape: { seed: Date.now() >>> 0, bodies: 500, eventsPerRequest },
    connections: 16,
    requestsPerSecond: rate / eventsPerRequest,
    warmUpSeconds: 3,
    seconds: secondsEach,
  });
  await load.measuring;
  const filling = new AbortController();
  const filled = areLive ? undefined : fillOnAndOn(server.queryUrl, filling.signal);
  const before = await usage(server.pid);
  const pushed = await markers(server.ingestUrl, server.queryUrl, secondsEach - 1);
  const result = await load.result;
  const cpu = cpuShare(before, await usage(server.pid), result.seconds, result.cpuSeconds);
  filling.abort();
  const latency = ({ p50, p99, max }: typeof result.latency): string => [p50, p99, max].map(ms).join(", ");
  return [
    latency(result.latency),
    `${latency(pushed.latency)}${pushed.missing === 0 ? "" : `, ${pushed.missing} of ${pushed.sent} MISSING`}`,
    filled === undefined ? "–" : whole(await filled),
    [cpu.server, cpu.engine, cpu.generator].map(cores).join(", "),
  ];
}

/** Makes rules over all of history, and makes them again when they are filled. Events of history filled per second. */
async function fillOnAndOn(queryUrl: string, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  let events = 0;
  while (!signal.aborted) {
    await makeAnew(queryUrl);
    const stored = await storedEvents(queryUrl);
    let progress = 0;
    while (progress < 1 && !signal.aborted) {
      await pause(100);
      progress = await progressOf(queryUrl);
    }
    events += stored * progress;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await rulesSettled(queryUrl, 300_000);
  return events / seconds;
}

/** Ten rules over all of history while nothing else is to be done, in events per second. */
async function filledAlone(queryUrl: string): Promise<string> {
  await makeAnew(queryUrl);
  const startedAt = performance.now();
  await rulesSettled(queryUrl, 300_000);
  return whole((await storedEvents(queryUrl)) / ((performance.now() - startedAt) / 1000));
}

const filledRules = manyRules(ruleCount).map(wireRule);

async function makeAnew(queryUrl: string): Promise<void> {
  const put = async (rules: readonly object[]): Promise<void> => {
    // The other rules stay: they are named as well.
    const all = [...benchRules.map(wireRule), markerRule, ...rules];
    const response = await fetch(`${queryUrl}/aggregation-rules?delete=true`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rules: all }),
    });
    if (!response.ok) throw new Error(`the rules were answered with ${response.status}: ${await response.text()}`);
    await response.text();
  };
  await put([]);
  await put(filledRules);
}

async function progressOf(queryUrl: string): Promise<number> {
  const { rule_id } = manyRules(ruleCount).at(-1)!;
  const answer = await fetch(`${queryUrl}/aggregation-rule/${rule_id}`);
  return ((await answer.json()) as { progress: number }).progress;
}

async function storedEvents(queryUrl: string): Promise<number> {
  const answer = (await (await fetch(`${queryUrl}/status`)).json()) as { events: number | null };
  return answer.events ?? 0;
}
