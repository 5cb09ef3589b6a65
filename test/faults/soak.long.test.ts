import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { putBenchRules } from "../../bench/lib/bench-server.ts";
import { benchRules, probeEvent } from "../../bench/lib/rules.ts";
import { verifyCounts } from "../../bench/lib/verify.ts";
import { runLoad } from "../../bench/load/run-load.ts";
import { postCounted, rulesSettled } from "../support/api.ts";
import { engineOf } from "../support/processes.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { sendPolitely } from "./overload/bystanders.ts";
import { growth, type Reading, read } from "./soak/readings.ts";
import { asks, edits, listens, sendsNonsense, type Visitor, watches } from "./soak/visitors.ts";
import { faultSeed } from "./stage.ts";

/** Not in any lane: `npm run faults -- --long R19`. */
const seconds = Number(process.env["WEIR_SOAK_SECONDS"] ?? 300);
const everyMs = Math.min(10_000, (seconds * 1000) / 60);
/** What is kept in memory by design is full by then. */
const warmUpShare = 1 / 4;
const growthMax = 0.02;
const partsMax = 300;

const eventsPerRequest = 100;
const requestsPerSecond = 15;
const args = ["--dedupe-ids-max", "200000", "--flush-delay", "500ms", "--engine-readonly-port", "0"];

test("R19: whatever comes, for hours", { timeout: (seconds + 900) * 1000 }, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-soak-"));
  const server = await startServer({ dataDir, args });
  t.after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });
  await putBenchRules(server.queryUrl);
  const seed = faultSeed();
  t.diagnostic(`WEIR_FAULT_SEED=${seed}`);
  const shape = { seed, bodies: 200, eventsPerRequest };
  const over = new AbortController();
  t.after(() => over.abort());
  const load = runLoad({ url: server.ingestUrl, shape, connections: 4, requestsPerSecond, warmUpSeconds: 0, seconds });
  t.after(() => load.command({ type: "stop" }));
  load.result.catch(() => {});
  const polite = sendPolitely(server.ingestUrl, over.signal);
  const coming = Promise.all(Object.entries(visitors(server)).map(([name, visit]) => told(name, visit(over.signal))));
  const readings = await Promise.race([readAll(t, server), coming.then(() => [])]);
  const { acknowledged, refused, unknown } = await load.result;
  over.abort();
  for (const [name, times] of await coming) t.diagnostic(`${name}: ${times} times`);
  assert.deepEqual([refused, unknown, (await polite).odd], [{}, 0, []]);
  await rulesSettled(server.queryUrl, 600_000);
  await postCounted(server.ingestUrl, [probeEvent("the last")]);
  const verdict = await verifyCounts(server.queryUrl, benchRules, [{ shape, acknowledged }]);
  t.diagnostic(`${verdict.windows} windows compared`);
  assert.deepEqual(verdict.wrong.slice(0, 20), []);
  checkGrowth(t, readings);
});

const visitors = ({ ingestUrl, queryUrl }: ServerProcess): Readonly<Record<string, Visitor>> => ({
  "sockets opened and left": watches(queryUrl, "events_10s"),
  "streams cut off": listens(queryUrl, "by_country_1m"),
  "questions asked": asks(queryUrl),
  "nonsense sent": sendsNonsense(ingestUrl),
  "rules made, changed and deleted": edits(queryUrl),
});

async function told(name: string, visits: Promise<number>): Promise<readonly [string, number]> {
  try {
    return [name, await visits];
  } catch (error) {
    throw new Error(name, { cause: error });
  }
}

async function readAll(t: TestContext, server: ServerProcess): Promise<readonly Reading[]> {
  const toolsUrl = /"readonlyUrl":"([^"]+)"/.exec(server.output())?.[1];
  assert.ok(toolsUrl, `no address for tools in ${server.output()}`);
  const pids = { server: server.pid, engine: await engineOf(server.pid) };
  const from = performance.now();
  const readings: Reading[] = [];
  for (let turn = 1; turn * everyMs < seconds * 1000; turn++) {
    await pause(Math.max(0, from + turn * everyMs - performance.now()));
    const reading = await read(pids, toolsUrl, (performance.now() - from) / 3_600_000);
    readings.push(reading);
    if (turn % 30 === 0)
      t.diagnostic(JSON.stringify(reading, (_, value) => (typeof value === "number" ? +value.toFixed(3) : value)));
  }
  return readings;
}

function checkGrowth(t: TestContext, all: readonly Reading[]): void {
  const readings = all.slice(Math.floor(all.length * warmUpShare));
  const figures = {
    "server's memory (MiB)": growth(readings, ({ serverMiB }) => serverMiB),
    "engine's memory (MiB)": growth(readings, ({ engineMiB }) => engineMiB),
    descriptors: growth(readings, ({ descriptors }) => descriptors),
  };
  for (const [name, { sharePerHour, first, last }] of Object.entries(figures))
    t.diagnostic(`${name}: ${first.toFixed(0)} -> ${last.toFixed(0)}, ${(sharePerHour * 100).toFixed(1)} % an hour`);
  const parts = Math.max(...all.map((reading) => reading.parts));
  t.diagnostic(`at most ${parts} parts`);
  assert.ok(parts < partsMax, `${parts} parts`);
  for (const [name, { sharePerHour }] of Object.entries(figures))
    assert.ok(sharePerHour < growthMax, `${name} grow by ${(sharePerHour * 100).toFixed(1)} % an hour`);
}
