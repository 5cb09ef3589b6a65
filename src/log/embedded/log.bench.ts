import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "../../event/packed.ts";
import type { PackedEvents } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import type { Offset } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log } from "../log.ts";
import { openEmbeddedLog } from "./embedded.ts";
import type { EmbeddedLogOptions } from "./embedded.ts";

/**
 * The embedded log against a plain file with append and fdatasync, on the same disk in one run. By hand:
 *
 *     node src/log/embedded/log.bench.ts [seconds per line, default 1.5]
 *
 * `closed` keeps so many appends in flight; `open` sends at a fixed rate, whatever the answers. A reader follows and
 * commits, as the processor does.
 */
const seconds = Number(process.argv[2] ?? 1.5);
const eventBytes = 180;

interface Result {
  readonly events: number;
  readonly ms: number;
  readonly latencies: number[];
}

function eventsOf(count: number): PackedEvents {
  const payload = JSON.stringify({ text: "x".repeat(eventBytes - 60) });
  return pack(
    Array.from({ length: count }, (_, i) => ({
      event_id: `e-${String(i).padStart(10, "0")}`,
      event_type: "click",
      user_id: `u${i % 999}`,
      timestamp: 1_768_000_000_000 + i,
      payload,
    })),
  );
}

function print(name: string, { events, ms, latencies }: Result): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number): string =>
    (latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN).toFixed(2).padStart(7);
  const rate = Math.round((events / ms) * 1000).toLocaleString("en");
  console.log(
    `${name.padEnd(44)} ${rate.padStart(10)} events/s   p50 ${at(0.5)}  p99 ${at(0.99)}  max ${at(1)} ms  (${latencies.length})`,
  );
}

/** What the disk itself gives: one write and one fdatasync a group of so many events. */
function plainFile(dir: string, batch: PackedEvents): Result {
  const path = join(dir, "plain");
  const file = openSync(path, "w");
  const latencies: number[] = [];
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    const began = performance.now();
    writeSync(file, batch.bytes);
    fdatasyncSync(file);
    latencies.push(performance.now() - began);
  }
  const ms = performance.now() - start;
  closeSync(file);
  rmSync(path);
  return { events: latencies.length * batch.count, ms, latencies };
}

async function closedLoop(log: Log, batch: PackedEvents, inFlight: number): Promise<Result> {
  const latencies: number[] = [];
  const start = performance.now();
  const one = async (): Promise<void> => {
    while (performance.now() - start < seconds * 1000) {
      const began = performance.now();
      await log.append(batch);
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return { events: latencies.length * batch.count, ms: performance.now() - start, latencies };
}

async function openLoop(log: Log, batch: PackedEvents, eventsPerSecond: number): Promise<Result> {
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const start = performance.now();
  const everyMs = (batch.count / eventsPerSecond) * 1000;
  for (let sent = 0; sent * everyMs < seconds * 1000;) {
    for (; sent * everyMs <= performance.now() - start; sent++) {
      const began = performance.now();
      pending.push(log.append(batch).then(() => void latencies.push(performance.now() - began)));
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, sent * everyMs - (performance.now() - start))));
  }
  await Promise.all(pending);
  return { events: latencies.length * batch.count, ms: performance.now() - start, latencies };
}

/** Reads from `from` on and commits what it has; returns how far it came. */
async function follow(log: Log, from: Offset, until: AbortSignal): Promise<Offset> {
  let at = from;
  while (!until.aborted) {
    const records = await log.read(
      { src: src(0), off: at },
      { bytesMax: 8 << 20, eventsMax: 50_000, waitMs: 1000, signal: until },
    );
    const last = records.at(-1);
    if (last === undefined) continue;
    at = offset(last.to + 1);
    await log.commit(src(0), at);
  }
  return at;
}

async function withReader(log: Log, work: () => Promise<Result>): Promise<Result> {
  const stop = new AbortController();
  const reading = follow(log, (await log.ends()).get(src(0))!, stop.signal);
  const result = await work();
  stop.abort();
  await reading;
  return result;
}

const sizes: readonly (readonly [count: number, inFlight: number])[] = [
  [1, 64],
  [100, 32],
  [1_000, 16],
  [10_000, 4],
];
const dir = mkdtempSync(join(tmpdir(), "weir-log-bench-"));
try {
  await withLog({}, compareSizes);
  await withLog({}, (log) => atFixedRate(log, "reader in memory"));
  await withLog({ tailBytesMax: 0 }, (log) => atFixedRate(log, "reader from disk"));
} finally {
  rmSync(dir, { recursive: true });
}

async function withLog(options: Partial<EmbeddedLogOptions>, work: (log: Log) => Promise<void>): Promise<void> {
  const log = await openEmbeddedLog({
    dir: join(dir, "log"),
    bytesMax: 8 * 2 ** 30,
    freeBytesMin: 2 ** 30,
    clock: systemClock,
    ...options,
  });
  await work(log);
  await log.close();
}

async function compareSizes(log: Log): Promise<void> {
  for (const [count, inFlight] of sizes) {
    const batch = eventsOf(count);
    print(`plain file, ${count} an append`, plainFile(dir, batch));
    print(`log, ${count} an append, 1 in flight`, await withReader(log, () => closedLoop(log, batch, 1)));
    const start = process.cpuUsage();
    const result = await withReader(log, () => closedLoop(log, batch, inFlight));
    const { user, system } = process.cpuUsage(start);
    print(`log, ${count} an append, ${inFlight} in flight`, result);
    console.log(`${" ".repeat(44)} ${((user + system) / result.events).toFixed(2)} µs of CPU an event, all threads`);
  }
}

async function atFixedRate(log: Log, name: string): Promise<void> {
  print(`log, 100 at 100,000 events/s, ${name}`, await withReader(log, () => openLoop(log, eventsOf(100), 100_000)));
}
