import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Durations } from "../../bench/lib/latency.ts";
import { engineOf, isEngine, killEngines } from "../support/processes.ts";
import { endedInOrder } from "../support/server-process.ts";
import { watchStalls } from "../support/stalls.ts";
import { Away } from "./away.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";

/** For how long it is held down; `WEIR_ENGINE_AWAY_SECONDS=600` is the long form, in which the log becomes full. */
const heldSeconds = Number(process.env["WEIR_ENGINE_AWAY_SECONDS"] ?? 29);
const logFills = heldSeconds >= 300;
const hungMsMax = 120_000;
/** A hung engine is ended after thirty seconds; that it answers nothing is known long before. */
const silenceMsMax = 20_000;
/** It gives up after 9.5 s, and has to be seen to have ended: a busy machine takes its time for that. Who waited for the engine would wait for thirty. */
const stopMsMax = 15_000;

test("R6: the engine is away for a minute, held down and then hung: ingest goes on, a stop ends, and all is counted", async (t) => {
  const latencies: { now: Durations } = { now: new Durations() };
  // Some thousand events a second; in the long form four thousand.
  const load = {
    ...(logFills ? { senders: 8, requestEventsMax: 100 } : { senders: 4, requestEventsMax: 50 }),
    pauseMs: 95,
  };
  const heard = { acknowledged: (ms: number) => latencies.now.add(ms) };
  await Stage.run(faultSeed(), { ...load, ...heard }, async (stage) => {
    t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
    await stage.start({ args: logFills ? ["--log-bytes-max", "64MiB"] : [] });
    await stage.putRules(faultRules);
    const away = new Away({ t, stage, latencies, servers: () => [stage.server], mayStand: logFills });
    stage.senders.start(stage.server.ingestUrl);
    await pause(2000);
    await away.measureUsual();
    await away.without("held down", () => heldDown(stage.server.pid, pause(heldSeconds * 1000)));
    if (logFills) assert.ok(stage.ledger.summary().requests.refused > 0, "the log was never full");
    else await away.without("hung", () => hung(t, stage));
    await stage.senders.stop();
    const { requests } = stage.ledger.summary();
    assert.equal(requests.unknown, 0, "requests were left without an answer");
    if (!logFills) assert.equal(requests.refused, 0, "requests were refused");
    await stopped(t, stage);
    await stage.start();
    await stage.verify(faultRules);
    t.diagnostic(JSON.stringify(stage.ledger.summary()));
  });
});

/** Stopped, so that its connections stay open and nothing answers: the watch must end it. */
async function hung(t: TestContext, { server: { queryUrl, pid } }: Stage): Promise<void> {
  const engine = await engineOf(pid);
  const isThere = (): Promise<boolean> => isEngine(engine);
  const stalls = watchStalls();
  process.kill(engine, "SIGSTOP");
  const [first, ...answers] = [
    await timed(`${queryUrl}/stats?rule_id=count_by_type`),
    await timed(`${queryUrl}/ready`),
    await timed(`${queryUrl}/stats?rule_id=count_by_type`),
  ] as const;
  const laterMs = [answers[1].ms];
  // Again and again, where the machine is busy just then. What has been ended meanwhile is not hung any more.
  const isJudged = await isThere();
  while (Math.min(...laterMs) >= 2000 && (await isThere()))
    laterMs.push((await timed(`${queryUrl}/stats?rule_id=count_by_type`)).ms);
  stalls.stop();
  t.diagnostic(
    `/stats of a hung engine: 503 after ${Math.round(first.ms)} ms, later ${laterMs.map(Math.round).join()} ms`,
  );
  if (isJudged)
    assert.ok(
      [first, ...answers].every(({ status }) => status === 503),
      JSON.stringify([first, answers]),
    );
  assert.ok(first.ms < silenceMsMax + stalls.worstMs(), `/stats waited ${first.ms} ms for a hung engine`);
  const isSoon = Math.min(...laterMs) < 2000;
  assert.ok(isSoon || !isJudged, `/stats waited ${laterMs.join()} ms for an engine that is known to be hung`);
  const end = performance.now() + hungMsMax;
  while (await isThere()) {
    assert.ok(performance.now() < end, "a hung engine was not ended");
    await pause(100);
  }
}

async function timed(url: string): Promise<{ readonly status: number; readonly ms: number }> {
  const from = performance.now();
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  await response.text();
  return { status: response.status, ms: performance.now() - from };
}

/** Every child is killed as soon as it is seen, so that none gets to work. */
async function heldDown(server: number, until: Promise<unknown>): Promise<void> {
  let isOver = false;
  void until.finally(() => (isOver = true));
  while (!isOver) {
    await killEngines(server);
    await pause(100);
  }
}

/** SIGTERM while no engine stays, and events wait to be counted; then while a start waits for one: both end in time. */
async function stopped(t: TestContext, stage: Stage): Promise<void> {
  const { server, senders } = stage;
  const down = heldDown(server.pid, server.exited);
  senders.start(server.ingestUrl);
  await pause(1000);
  await senders.stop();
  const runningMs = await inTime(() => endedInOrder(server));
  await down;
  let pid = 0;
  // The engine that hangs goes with it.
  const ended = assert.rejects(
    stage.start({ spawned: (its) => (pid = its) }),
    /\(code 1, signal null\)[^]*did not start, and so did not stop, in time/,
  );
  process.kill(await engineOf(pid), "SIGSTOP");
  const startingMs = await inTime(() => (process.kill(pid, "SIGTERM"), ended));
  t.diagnostic(`SIGTERM without an engine: ended after ${runningMs} ms, while it started after ${startingMs} ms`);
}

/** How long a stop takes, which is not too long. */
async function inTime(stop: () => Promise<unknown>): Promise<number> {
  const [from, stalls] = [performance.now(), watchStalls()];
  await stop();
  const ms = Math.round(performance.now() - from);
  stalls.stop();
  assert.ok(ms < stopMsMax + stalls.worstMs(), `it ended only after ${ms} ms`);
  return ms;
}
