import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/options.ts";
import { src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import { Follower } from "../progress/follower.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { memoryLog } from "../../test/support/memory-log.ts";
import { dependenciesOf } from "./dependencies.ts";
import type { DependedOn } from "./dependencies.ts";

const places = [
  "--kafka-brokers",
  "kafka:9092",
  "--clickhouse-url",
  "http://store:8123",
  "--mongo-url",
  "mongodb://rules",
];

function configOf(roles: string): Config {
  const loaded = loadConfig({ argv: ["--roles", roles, ...places], env: {}, readFile: () => "" });
  assert.ok(loaded.ok);
  return loaded.config;
}

/** With brokers that are away, as far as the channel knows. */
function partsOf(hearing: string | undefined, sending?: string): DependedOn {
  let at = 0;
  const clock = { ...systemClock, monotonic: () => (at += 10_000) };
  const progress = new MemoryProgress(clock);
  progress.expect(src(3), 0);
  const channel = {
    send: async () => {},
    listen: () => {},
    trouble: () => ({ sending, hearing }),
    close: async () => {},
  };
  const follower = new Follower({ progress, channel, clock, process: "p" });
  return { log: memoryLog(), progress, news: { channel, follower, process: "p" } };
}

test("only who appends or counts can't be without the log; where nothing is appended, the channel says how it is", async () => {
  const told = async (roles: string): Promise<readonly [boolean, string | undefined]> => {
    const { log } = dependenciesOf(configOf(roles), partsOf("it is away"));
    return [log!.isVital, await log!.trouble()];
  };
  assert.deepEqual(await told("ingest"), [true, undefined]);
  assert.deepEqual(await told("processor"), [true, "it is away"]);
  assert.deepEqual(await told("query"), [false, "it is away"]);
  assert.deepEqual(await told("ingest,query"), [true, undefined]);
});

test("what can't be written for others is told of progress, and is no reason to count nothing", async () => {
  const { log, progress } = dependenciesOf(configOf("processor"), partsOf(undefined, "it may not write"));
  assert.deepEqual([await log!.trouble(), await progress!.trouble()], [undefined, "it may not write"]);
});

test("a partition of which nothing is heard is told, and ends nothing", async () => {
  const { progress } = dependenciesOf(configOf("ingest"), partsOf(undefined));
  assert.match(
    String(await progress!.trouble()),
    /^nothing has been heard of partition 3 for \d+ s: is a processor running, and its weir_partitions_broken 0\?$/,
  );
  assert.equal(progress!.isVital, false);
});

test("it is told for how long, whatever waits elsewhere", async () => {
  let at = 0;
  const clock = { ...systemClock, monotonic: () => at };
  const progress = new MemoryProgress(clock);
  progress.expect(src(3), 0);
  progress.expect(src(4), 0);
  at = 7_000;
  progress.heard(src(4), { next: 1, through: 1, waitedMs: 900_000, incompleteBelow: 0 });
  const told = dependenciesOf(configOf("ingest"), { ...partsOf(undefined), progress });
  assert.match(String(await told.progress!.trouble()), /^nothing has been heard of partition 3 for 7 s: /);
});

test("a processor whose clock is ahead of this one's is worth a remark", () => {
  const parts = partsOf(undefined);
  const { progress } = dependenciesOf(configOf("query"), parts);
  const hear = (aheadMs: number): void =>
    parts.progress.heard(src(3), { next: 1, through: Date.now() + aheadMs, waitedMs: 0, incompleteBelow: 0 });
  hear(0);
  assert.equal(progress!.remark!(), undefined);
  hear(90_000);
  assert.match(progress!.remark!()!, /^the clock of a processor is (90.0|89.\d) s ahead of this machine's: let each/);
});

test("one process alone has no others to hear of", () => {
  const { log, progress } = partsOf(undefined);
  assert.deepEqual(Object.keys(dependenciesOf(configOf("ingest"), { log, progress, news: undefined })), ["log"]);
});
