import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryLog } from "../../test/support/memory-log.ts";
import { pack } from "../event/packed.ts";
import type { PackedEvents } from "../event/packed.ts";
import { offset, src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { LogRecord } from "../log/log.ts";
import type { Archive, ArchivedEvent } from "./archive.ts";
import { Archiver } from "./archiver.ts";

const at = Date.UTC(2026, 0, 13, 10);
const events = (...ids: string[]): PackedEvents =>
  pack(ids.map((event_id) => ({ event_id, event_type: "t", user_id: "u", timestamp: at, payload: '{"a":1.50}' })));

interface DeskOptions {
  readonly floor?: number;
  readonly noted?: number;
  readonly clock?: Clock;
  readonly claim?: () => Promise<void>;
}

/** A log, an archive in memory that may be away, and what happens in its order. */
function desk({ floor = 0, noted = 0, clock = systemClock, claim }: DeskOptions = {}) {
  const log = memoryLog({ now: () => at });
  const kept = new Map<string, ArchivedEvent>();
  const happened: string[] = [];
  const state = { away: false, puts: 0, noted };
  const archive: Archive = {
    put: async (some) => {
      state.puts += 1;
      if (state.away) throw new WeirError("registry_unavailable", "it is away", { canRetry: true });
      for (const event of some) kept.set(`${event.src}:${event.off}`, event);
      happened.push(`put ${some[0]!.off}..${some.at(-1)!.off}`);
    },
    floor: async () => offset(floor),
    noted: async () => offset(state.noted),
    note: async (_, from, next) => {
      if (state.noted < from) return false;
      state.noted = Math.max(state.noted, next);
      return true;
    },
    erase: async () => void happened.push("erase"),
    close: async () => {},
  };
  const said: string[] = [];
  let archived = 0;
  const archiver = new Archiver({
    log: {
      sources: () => log.sources(),
      read: (from, options) => log.read(from, options),
      commit: async (partition, next) => void happened.push(`commit ${partition}:${next}`),
    },
    ...(claim === undefined ? {} : { claim }),
    ...{ archive, clock, archived: (count: number) => (archived += count) },
    report: (level, message) => said.push(`${level} ${message}`),
  });
  return { log, kept, happened, said, state, archiver, archived: () => archived };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 120_000;
  while (!condition()) {
    assert.ok(performance.now() < end, `waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the archiver", () => {
  test("puts every event with its position, repeats too, and commits behind what is put", async () => {
    const { log, kept, happened, archiver, archived } = desk();
    await log.append(events("a", "b", "a"));
    archiver.start();
    await until("three events", () => archiver.written(0) === 3);
    await log.append(events("c"));
    await until("the fourth", () => archiver.written(0) === 4);
    await archiver.stop(1000);
    const ids = [...kept].map(([position, { event_id }]) => [position, event_id]);
    assert.deepEqual(ids, [
      ["0:0", "a"],
      ["0:1", "b"],
      ["0:2", "a"],
      ["0:3", "c"],
    ]);
    const { receivedAt, payload, timestamp, user_id } = kept.get("0:3")!;
    assert.deepEqual([receivedAt, payload, timestamp, user_id], [at, '{"a":1.50}', at, "u"]);
    assert.deepEqual(happened, ["put 0..2", "commit 0:3", "put 3..3", "commit 0:4"]);
    assert.equal(archived(), 4);
  });

  test("waits for an archive that is away with growing pauses, says so once, and tells the lag", async () => {
    const pauses: number[] = [];
    const sleep = async (ms: number): Promise<void> => {
      pauses.push(ms);
      if (pauses.length === 8) state.away = false;
      await systemClock.turn();
    };
    const clock = { ...systemClock, now: () => at + 5_000, sleep };
    const { log, said, state, archiver, archived } = desk({ clock });
    state.away = true;
    await log.append(events("a"));
    archiver.start();
    await until("a failure", () => archiver.trouble() !== undefined);
    assert.deepEqual([archiver.trouble(), archiver.lagMs(), archiver.written(0)], ["it is away", 5_000, 0]);
    await until("the event", () => archived() === 1);
    await until("the good news", () => said.length === 2);
    await until("nothing more to come", () => archiver.lagMs() === 0);
    assert.deepEqual(pauses.slice(0, 8), [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    assert.deepEqual([archiver.trouble(), archived()], [undefined, 1]);
    assert.match(said[0]!, /^warn events can't be archived now: it is away; trying again$/);
    assert.equal(said[1], "info events are archived again");
    await archiver.stop(1000);
  });

  test("lags from the first moment when it can't begin, and until it has caught up", async () => {
    let now = at + 5_000;
    const clock = { ...systemClock, now: () => now, sleep: () => systemClock.turn() };
    const { log, state, archiver } = desk({ clock, claim: async () => assert.ok(!state.away, "it is away") });
    state.away = true;
    archiver.start();
    await until("a failure", () => archiver.trouble() !== undefined);
    now += 60_000;
    assert.equal(archiver.lagMs(), 60_000, "it is not known what waits");
    for (let record = 0; record < 5; record++) await log.append(events(...Array.from({ length: 2_000 }, () => "e")));
    const lags: number[] = [];
    const read = log.read.bind(log);
    log.read = (from, options) => {
      if (from.off > 0) lags.push(archiver.lagMs());
      return read(from, options);
    };
    state.away = false;
    await until("it to have caught up", () => archiver.lagMs() === 0);
    await archiver.stop(1000);
    assert.deepEqual(
      lags.slice(0, 5),
      Array.from({ length: 5 }, () => 65_000),
    );
  });

  test("does not call written for a while what was put without an answer: the put may come late, behind an erasure", async () => {
    let monotonic = 0;
    const clock = { ...systemClock, monotonic: () => monotonic, sleep: () => systemClock.turn() };
    const { log, kept, state, archiver } = desk({ clock });
    await log.append(events("a"));
    archiver.start();
    await until("the first event", () => archiver.written(0) === 1);
    const failsOnce = async (id: string): Promise<void> => {
      state.away = true;
      await log.append(events(id));
      await until("a failure", () => archiver.trouble() !== undefined);
      state.away = false;
      await until("it to be put", () => kept.size === log.records.length && archiver.trouble() === undefined);
    };
    await failsOnce("b");
    assert.equal(archiver.written(0), 1);
    monotonic = 40_000;
    await failsOnce("c");
    assert.equal(archiver.written(0), 1);
    monotonic = 59_999;
    assert.equal(archiver.written(0), 1);
    monotonic = 60_000;
    assert.equal(archiver.written(0), 2, "what failed since keeps back no more than itself");
    monotonic = 100_000;
    assert.equal(archiver.written(0), 3);
    await archiver.stop(1000);
  });

  test("puts nothing while the archive is another's", async () => {
    let isOurs = false;
    const clock = { ...systemClock, sleep: () => systemClock.turn() };
    const claim = async (): Promise<void> => {
      if (!isOurs) throw new WeirError("registry_unavailable", "it is another's", { canRetry: true });
    };
    const { log, archiver, state } = desk({ claim, clock });
    await log.append(events("a"));
    archiver.start();
    await until("the reason", () => archiver.trouble() === "it is another's");
    assert.deepEqual([state.puts, archiver.written(0)], [0, 0]);
    isOurs = true;
    await until("the event", () => archiver.written(0) === 1);
    await archiver.stop(1000);
  });

  test("begins where the archive ends, or behind what was erased, whatever the reader has committed", async () => {
    for (const [floor, noted, first] of [
      [0, 0, "0:0"],
      [0, 1, "0:1"],
      [2, 1, "0:2"],
      [1, 3, "0:3"],
    ] as const) {
      const { log, kept, archiver } = desk({ floor, noted });
      await log.append(events("a", "b", "c", "d"));
      archiver.start();
      await until("the last event", () => archiver.written(0) === 4);
      await archiver.stop(1000);
      assert.equal([...kept.keys()][0], first);
    }
  });

  test("puts again what an archive lacks that is exchanged under its hands, and erases nothing there before", async () => {
    const clock = { ...systemClock, sleep: () => systemClock.turn() };
    const { log, kept, state, happened, said, archiver } = desk({ clock });
    await log.append(events("a", "b"));
    archiver.start();
    await until("two events", () => archiver.written(0) === 2);
    kept.clear();
    state.noted = 0;
    const erasure = { by: "user_id", values: ["u"], below: { 0: 2 } } as const;
    await assert.rejects(archiver.erase(erasure), {
      canRetry: true,
      message: /lacks what was put .*partition 0 below 2/,
    });
    assert.ok(!happened.includes("erase"));
    await log.append(events("c"));
    await until("all three", () => archiver.written(0) === 3 && kept.size === 3);
    await archiver.erase(erasure);
    assert.equal(happened.at(-1), "erase");
    kept.clear();
    state.noted = 1;
    await log.append(events("d"));
    await until("those that it lacks", () => archiver.written(0) === 4 && kept.size === 3);
    await archiver.stop(1000);
    assert.match(said[0]!, /^warn events can't be archived now: the archive lacks .*; trying again$/);
  });

  test("takes a large record apart into pieces, and passes over what holds no events", async () => {
    const { log, happened, archiver } = desk();
    await log.append(events(...Array.from({ length: 2_500 }, (_, i) => `e${i}`)));
    const nothing: LogRecord = {
      ...{ src: src(0), from: offset(2_500), to: offset(2_599), appendedAt: at },
      events: { count: 0, bytes: new Uint8Array(0) },
    };
    const read = log.read.bind(log);
    log.read = async (from, options) => (from.off === 2_500 ? [nothing] : read(from, options));
    archiver.start();
    await until("all of it", () => archiver.written(0) === 2_600);
    await archiver.stop(1000);
    assert.deepEqual(happened, ["put 0..999", "put 1000..1999", "put 2000..2499", "commit 0:2500", "commit 0:2600"]);
  });
});
