import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { withDesk } from "../../test/support/rule-desk.ts";
import type { Erasure, ErasureRegister } from "../erasure/register.ts";
import { offset, src } from "../event/position.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { Log } from "../log/log.ts";
import type { Rulebook } from "../rulebook/rulebook.ts";
import { Eraser } from "./eraser.ts";
import type { ArchiveToErase } from "./eraser.ts";

/** Everything around an eraser, written down as it is called; `fails` is what fails the next time. */
function desk({
  archived = null as { written: number } | null,
  shared = undefined as Log["shared"],
  archivist = null as (() => string | undefined) | null,
  book = undefined as Rulebook | undefined,
  sleep = systemClock.sleep,
} = {}) {
  const kept = new Map<string, Erasure>();
  const calls: string[] = [];
  const said: string[] = [];
  const state = { written: 0, end: 10, left: 0, events: 3, fails: "", error: undefined as Error | undefined, at: 0 };
  const call = (what: string): void => {
    if (state.fails !== "" && what.startsWith(state.fails)) {
      state.fails = "";
      throw state.error ?? new Error(`${what} has failed`);
    }
    calls.push(what);
  };
  const register: ErasureRegister = {
    put: async (erasure) => (call(`put ${erasure.id} ${erasure.state}`), void kept.set(erasure.id, erasure)),
    get: async (id) => kept.get(id),
    latest: async (limit) => [...kept.values()].toReversed().slice(0, limit),
    unfinished: async () => [...kept.values()].filter((erasure) => erasure.state !== "done"),
    close: async () => {},
  };
  const archiveOf = (progress: { written: number }): ArchiveToErase => ({
    written: () => offset(progress.written),
    erase: async ({ by, values, below }) => call(`archive ${by} ${values.join()} ${below[0]}`),
  });
  let made = 0;
  const eraser = new Eraser({
    register,
    store: {
      noteErasing: async (id, { values, below }) => (call(`note ${id} ${values.join()} ${below[0]}`), state.events),
      eraseNoted: async (ids) => call(`erase ${ids.join()}`),
      purge: async (ids) => call(`purge ${ids.join()}`),
      settle: async () => call("settle"),
    },
    log: {
      ends: async () => new Map([[src(0), offset(state.end)]]),
      commit: async (partition, next) => call(`commit ${partition}:${next}`),
      ...(shared === undefined ? {} : { shared }),
    },
    windows: {
      rebuild: async () => call("rebuild"),
      goOnRebuilding: async () => (call("go on"), state.left),
      ...(book === undefined ? {} : { rebuild: () => book.rebuild(), goOnRebuilding: () => book.goOnRebuilding() }),
      rulesLeft: () => state.left,
      waitingFor: () => undefined,
      idle: async () => call("idle"),
      dropOrphans: async () => call("drop"),
      written: () => offset(state.written),
    },
    ...(archived === null ? {} : { archive: archiveOf(archived) }),
    ...(archivist === null ? {} : { sharing: { process: "here", archivist: async () => archivist() } }),
    clock: { ...systemClock, sleep, monotonic: () => state.at },
    newId: () => `e${++made}`,
    report: (what) => void said.push(what),
  });
  const round = async (): Promise<string[]> => {
    calls.length = 0;
    await eraser.round().catch((error: unknown) => calls.push(String(error)));
    return [...calls];
  };
  return { eraser, state, calls, round, kept, said };
}

test("an erasure waits until all before it is counted, then goes its steps, and keeps no value", async () => {
  const { eraser, state, round, kept } = desk();
  const asked = await eraser.request({ user_id: "u1" });
  assert.deepEqual([asked.erasure_id, asked.state, asked.events], ["e1", "waiting", null]);
  state.written = 9;
  assert.deepEqual(await round(), []);
  state.written = 10;
  assert.deepEqual(await round(), ["note e1 u1 10", "put e1 removing"]);
  assert.deepEqual(kept.get("e1")?.values, []);
  assert.deepEqual(await round(), ["erase e1", "rebuild", "put e1 rebuilding"]);
  state.left = 2;
  assert.deepEqual(await round(), ["go on"]);
  assert.equal((await eraser.latest(10)).rules_left, 2);
  state.left = 0;
  assert.deepEqual(await round(), ["go on", "put e1 purging"]);
  assert.deepEqual(await round(), ["idle", "settle", "drop", "purge e1", "commit 0:10", "put e1 done"]);
  assert.deepEqual(await round(), []);
  const done = await eraser.get("e1");
  assert.deepEqual([done.state, done.events], ["done", 3]);
  assert.deepEqual(done.digests, [createHash("sha256").update("e1 u1").digest("hex")]);
  assert.ok(!JSON.stringify(kept.get("e1")).includes("u1"));
});

test("a rule that the server has stopped keeps no erasure from its end, nor the next one", () =>
  withDesk(async ({ book }) => {
    const { record } = await book.put({ rule_id: "r", window_size: "1m", metric: "count" }, {});
    await book.stop("r", record.versions[0]!.series, "the engine refused it");
    const { eraser, state, round, kept } = desk({ book });
    state.written = 10;
    for (const id of ["e1", "e2"]) {
      await eraser.request({ user_id: "u1" });
      for (let left = 4; left > 0; left--) await round();
      assert.equal(kept.get(id)?.state, "done", id);
    }
    assert.equal(book.get("r").versions.at(-1)?.activation, null, "it has no windows");
  }));

test("what was counted since the asking stays committed, and a log that others count is committed by them", async () => {
  const purged = async (shared?: Log["shared"]): Promise<string[]> => {
    const { eraser, state, round } = desk(shared === undefined ? {} : { shared });
    await eraser.request({ user_id: "u1" });
    state.written = 10;
    for (let left = 3; left > 0; left--) await round();
    state.written = 25;
    return round();
  };
  assert.deepEqual(await purged(), ["idle", "settle", "drop", "purge e1", "commit 0:25", "put e1 done"]);
  const membership = { join: async () => {}, taken: () => {}, leave: async () => {} };
  const shared = { identity: "cluster/topic/group", membership };
  assert.deepEqual(await purged(shared), ["idle", "settle", "drop", "purge e1", "put e1 done"]);
});

test("where nothing is stored, nothing is made anew; but what the log has of it, such as a repeat, goes", async () => {
  const { eraser, state, round } = desk();
  await eraser.request({ event_id: ["a", "b", "a"] });
  Object.assign(state, { written: 10, events: 0 });
  assert.deepEqual(await round(), ["note e1 a,b 10", "put e1 purging"]);
  assert.deepEqual(await round(), ["idle", "settle", "drop", "purge e1", "commit 0:10", "put e1 done"]);
});

test("what waits is taken together, and what comes meanwhile is taken up afterwards", async () => {
  const { eraser, state, round } = desk();
  await eraser.request({ user_id: "u1" });
  await eraser.request({ user_id: ["u2", "u3"] });
  state.written = 10;
  await round();
  await eraser.request({ user_id: "u4" });
  assert.deepEqual(await round(), ["erase e1,e2", "rebuild", "put e1 rebuilding", "put e2 rebuilding"]);
  await round();
  assert.deepEqual((await round()).slice(3), ["purge e1,e2", "commit 0:10", "put e1 done", "put e2 done"]);
  assert.deepEqual(await round(), ["note e3 u4 10", "put e3 removing"]);
});

test("a step that fails anywhere is done again as a whole", async () => {
  for (const fails of ["note", "put e1 removing", "erase", "rebuild", "put e1 reb", "settle", "purge", "put e1 done"]) {
    const { eraser, state, round, kept } = desk();
    await eraser.request({ user_id: "u1" });
    Object.assign(state, { written: 10, fails });
    const all: string[] = [];
    for (let left = 8; left > 0; left--) all.push(...(await round()));
    assert.equal(kept.get("e1")?.state, "done", fails);
    assert.equal(all.filter((one) => one.includes("has failed")).length, 1, fails);
    const order = ["note e1 u1 10", "erase e1", "rebuild", "drop", "purge e1"].map((one) => all.lastIndexOf(one));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      fails,
    );
  }
});

test("one whose events can't be noted keeps no other from its end", async () => {
  const { eraser, state, round, kept } = desk();
  await eraser.request({ user_id: "u1" });
  await eraser.request({ user_id: "u2" });
  state.written = 10;
  for (let left = 4; left > 0; left--) {
    state.fails = "note e1";
    await round();
  }
  assert.deepEqual([kept.get("e1")?.state, kept.get("e2")?.state], ["waiting", "done"]);
  state.fails = "";
  for (let left = 4; left > 0; left--) await round();
  assert.equal(kept.get("e1")?.state, "done");
});

test("after two minutes without a step it is told, once, which partition is waited for", async () => {
  const archived = { written: 0 };
  const { eraser, state, round, said } = desk({ archived });
  await eraser.request({ user_id: "u1" });
  const waitingFor = async (): Promise<string | undefined> => (await eraser.latest(1)).waiting_for;
  const later = async (ms: number): Promise<void> => {
    state.at += ms;
    await round();
  };
  await round();
  await later(119_000);
  state.written = 4;
  await later(0);
  await later(119_000);
  assert.deepEqual([said, await waitingFor()], [[], undefined], "it has gone on meanwhile");
  await later(1_000);
  await later(1_000);
  assert.deepEqual(said, ["erasures have waited for two minutes for partition 0, which is counted up to 4 of 10"]);
  assert.equal(await waitingFor(), "partition 0, which is counted up to 4 of 10");
  state.written = 10;
  await later(0);
  await later(120_000);
  assert.equal(await waitingFor(), "the archive, which has partition 0 up to 0 of 10");
  archived.written = 10;
  await later(0);
  assert.equal(await waitingFor(), undefined);
});

test("a step that files of the store are damaged for is told as long as it can't be taken, and tried no sooner for what is asked meanwhile", async () => {
  const rest = Promise.withResolvers<void>();
  const sleep: Clock["sleep"] = (ms, signal) => {
    if (ms < 600_000) return systemClock.sleep(ms, signal);
    signal?.addEventListener("abort", () => rest.resolve());
    return rest.promise;
  };
  const { eraser, state, kept } = desk({ sleep });
  Object.assign(state, { written: 10, fails: "erase", error: new WeirError("store_damaged", "part p is damaged") });
  await eraser.request({ user_id: "u1" });
  eraser.start();
  while ((await eraser.latest(1)).waiting_for !== "part p is damaged") await pause(5);
  await eraser.request({ user_id: "u2" });
  await pause(20);
  assert.equal(kept.get("e1")?.state, "removing");
  rest.resolve();
  while (kept.get("e1")?.state !== "done") await pause(5);
  assert.equal((await eraser.latest(1)).waiting_for, undefined);
  await eraser.stop(1000);
});

test("what a step has failed with is told until it is taken", async () => {
  // It rests until another is asked for.
  const sleep: Clock["sleep"] = (ms, signal) => systemClock.sleep(ms === 2000 ? 1_000_000 : ms, signal);
  const { eraser, state, kept } = desk({ sleep });
  Object.assign(state, { written: 10, fails: "drop" });
  await eraser.request({ user_id: "u1" });
  eraser.start();
  while ((await eraser.latest(1)).waiting_for !== "drop has failed") await pause(5);
  assert.equal(kept.get("e1")?.state, "purging");
  await eraser.request({ user_id: "u2" });
  while (kept.get("e1")?.state !== "done") await pause(5);
  assert.equal((await eraser.latest(1)).waiting_for, undefined);
  await eraser.stop(1000);
});

test("a request names either users or events, in bounds, and every mistake is told", async () => {
  const { eraser, kept } = desk();
  const wrong: [object, RegExp][] = [
    [{}, /either user_id or event_id/],
    [{ user_id: "a", event_id: "b" }, /not both/],
    [{ user_ids: "a" }, /did you mean user_id/],
    [{ user_id: "" }, /user_id/],
    [{ user_id: "x".repeat(257) }, /user_id/],
    [{ event_id: Array.from({ length: 101 }, (_, index) => `e${index}`) }, /event_id/],
  ];
  for (const [parameters, message] of wrong)
    await assert.rejects(eraser.request({ ...parameters }), { code: "invalid_query", message });
  assert.equal(kept.size, 0);
  await assert.rejects(eraser.get("nobody"), { code: "unknown_erasure" });
});

test("too many that are not done are refused", async () => {
  const { eraser } = desk();
  for (let left = 1000; left > 0; left--) await eraser.request({ user_id: "u" });
  await assert.rejects(eraser.request({ user_id: "u" }), { code: "overloaded" });
});

test("so are too many users of all that are not done, also when their events are known", async () => {
  const { eraser, state, round } = desk();
  const users = Array.from({ length: 100 }, (_, index) => `u${index}`);
  for (let left = 100; left > 0; left--) await eraser.request({ user_id: users });
  state.written = 10;
  await round();
  await assert.rejects(eraser.request({ user_id: "u" }), {
    code: "overloaded",
    message: "erasures of 10000 users and events, of at most 10000, are not done yet; try again when some are",
  });
  for (let left = 3; left > 0; left--) await round();
  await eraser.request({ user_id: "u" });
});

test("it works by itself once started, goes on after a failure, and stops", async () => {
  const { eraser, state, kept } = desk();
  state.written = 10;
  eraser.start();
  await eraser.request({ user_id: "u1" });
  const deadline = performance.now() + 120_000;
  while (kept.get("e1")?.state !== "done") {
    assert.ok(performance.now() < deadline);
    await systemClock.sleep(10);
  }
  await eraser.stop(1000);
});

test("an archive is cleared first, once it has all that came before, and again when that failed", async () => {
  const archived = { written: 9 };
  const { eraser, state, round, kept } = desk({ archived });
  await eraser.request({ user_id: "u1" });
  state.written = 10;
  assert.deepEqual(await round(), []);
  archived.written = 10;
  state.fails = "archive";
  assert.deepEqual(await round(), ["Error: archive user_id u1 10 has failed"]);
  assert.deepEqual(kept.get("e1")?.values, ["u1"], "the values are still needed");
  assert.deepEqual(await round(), ["archive user_id u1 10", "note e1 u1 10", "put e1 removing"]);
});

test("where others have the register too, each goes on with its own, and begins nothing while theirs are under way", async () => {
  const { eraser, state, round, kept } = desk({ archivist: () => undefined });
  await eraser.request({ user_id: "u1" });
  const mine = kept.get("e1")!;
  assert.equal(mine.askedOf, "here");
  state.written = 10;
  kept.set("t1", { ...mine, id: "t1", askedOf: "there", state: "rebuilding", values: [] });
  assert.deepEqual(await round(), []);
  state.at += 120_000;
  assert.deepEqual(await round(), ["go on", "put t1 purging"], "nobody has gone on with it");
  kept.delete("t1");
  assert.deepEqual(await round(), ["note e1 u1 10", "put e1 removing"]);
  kept.set("t2", { ...mine, id: "t2", askedOf: "there" });
  assert.deepEqual(await round(), ["erase e1", "rebuild", "put e1 rebuilding"]);
});

test("a process without the archive leaves erasures to the one that has it, and says so when they wait for long", async () => {
  let having: string | undefined = "there";
  const { eraser, state, round, said } = desk({ archivist: () => having });
  await eraser.request({ user_id: "u1" });
  state.written = 10;
  for (const after of [0, 119_000, 1_000, 60_000]) {
    state.at += after;
    assert.deepEqual(await round(), []);
  }
  assert.equal(said.length, 1);
  assert.match(said[0]!, /^erasures wait for the process that has the archive, with the data folder there/);
  having = undefined;
  assert.deepEqual(await round(), ["note e1 u1 10", "put e1 removing"]);
});
