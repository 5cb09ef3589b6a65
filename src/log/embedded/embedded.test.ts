import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pack, unpack } from "../../event/packed.ts";
import type { PackedEvents } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Log } from "../log.ts";
import { logSuite } from "../log.suite.ts";
import { openEmbeddedLog } from "./embedded.ts";
import type { EmbeddedLogOptions } from "./embedded.ts";
import { databasePath, witnessPath } from "./files.ts";
import { openWriterFiles } from "./writer-files.ts";

const source = src(0);
const facts = { dense: true, keepsRecords: true };
const plenty = { bytesMax: 1 << 26, eventsMax: 1_000_000, waitMs: 0 };

async function open(
  options: Partial<EmbeddedLogOptions> = {},
): Promise<{ log: Log; dir: string; reopen(): Promise<Log>; cleanup(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "weir-log-"));
  const openIt = (): Promise<Log> =>
    openEmbeddedLog({ dir, bytesMax: 1 << 30, freeBytesMin: 0, clock: systemClock, ...options });
  let log = await openIt();
  return {
    log,
    dir,
    reopen: async () => {
      await log.close();
      return (log = await openIt());
    },
    cleanup: async () => {
      await log.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const events = (count: number, payloadBytes = 20): PackedEvents =>
  pack(
    Array.from({ length: count }, (_, i) => ({
      event_id: `e${i}`,
      event_type: "test",
      user_id: "u",
      timestamp: i,
      payload: `"${"x".repeat(payloadBytes)}"`,
    })),
  );

const hasCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

/** Appends single events of about this size until one is refused. How many were taken. */
async function untilFull(log: Log, bytes: number): Promise<number> {
  for (let taken = 0; ; taken++) {
    try {
      await log.append(events(1, bytes));
    } catch (error) {
      assert.ok(hasCode("log_full")(error), String(error));
      return taken;
    }
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 12_000 && !holds(); i++) await systemClock.sleep(10);
  assert.ok(holds());
}

// They wait for the disk most of the time: side by side.
describe("embedded log", { concurrency: true }, () => {
  logSuite("embedded", facts, open);

  logSuite("embedded, reading from disk", facts, () => open({ tailBytesMax: 0 }));

  for (const bytes of [20, 200_000])
    test(`what is scrubbed is in no file any more, what came later is read (${bytes} bytes each)`, async () => {
      const { log, dir, reopen, cleanup } = await open();
      const secret = "somebody-whom-nobody-shall-find";
      const named = (user_id: string): PackedEvents =>
        pack([
          {
            event_id: user_id,
            user_id,
            event_type: "t",
            timestamp: 5,
            payload: `{"a":"${"x".repeat(bytes)}${user_id}"}`,
          },
        ]);
      for (let i = 0; i < 20; i++) await log.append(named(i % 3 === 0 ? "ann" : secret));
      const [kept] = await log.append(named("ann"));
      await log.commit(source, kept!.from);
      const isThere = (): boolean => readdirSync(dir).some((name) => readFileSync(join(dir, name)).includes(secret));
      const isDeleted = async (): Promise<boolean> => (await log.committed(source)) === kept!.from;
      while (!(await isDeleted())) await systemClock.sleep(10);
      assert.ok(isThere(), "it is looked for in the right way");
      await Promise.all([log.scrub!(source, kept!.from), log.scrub!(source, offset(3))]);
      assert.ok(!isThere());
      await log.append(named("bob"));
      const users = async (from: Log): Promise<unknown[]> =>
        (await from.read({ src: source, off: kept!.from }, plenty)).flatMap(({ events: found }) =>
          unpack(found).map(({ user_id }) => user_id),
        );
      assert.deepEqual(await users(log), ["ann", "bob"]);
      const again = await reopen();
      assert.deepEqual(await users(again), ["ann", "bob"]);
      assert.ok(!isThere());
      await cleanup();
    });

  test("who waits for a scrub that can't be done yet is told when the log is closed", async () => {
    const { log, cleanup } = await open();
    await log.append(events(3));
    const waiting = assert.rejects(log.scrub!(source, offset(3)), hasCode("stopping"));
    await log.close();
    await waiting;
    await assert.rejects(log.scrub!(source, offset(3)), hasCode("stopping"));
    await cleanup();
  });

  test("offsets are dense from 0, one range an append, also when appends share a row", async () => {
    const { log, cleanup } = await open();
    const answers = await Promise.all([3, 1, 4, 1, 5].map((count) => log.append(events(count))));
    assert.deepEqual(answers.flat(), [
      { src: source, from: 0, to: 2 },
      { src: source, from: 3, to: 3 },
      { src: source, from: 4, to: 7 },
      { src: source, from: 8, to: 8 },
      { src: source, from: 9, to: 13 },
    ]);
    const records = await log.read({ src: source, off: offset(0) }, plenty);
    assert.ok(records.length < 5, `${records.length} rows`);
    assert.equal(records.flatMap((record) => unpack(record.events)).length, 14);
    await cleanup();
  });

  test("an append larger than a group is one row; a reader gets it whole", async () => {
    const { log, reopen, cleanup } = await open();
    await Promise.all([log.append(events(1)), log.append(events(200, 60_000)), log.append(events(1))]);
    const records = await (await reopen()).read({ src: source, off: offset(5) }, { ...plenty, eventsMax: 1 });
    assert.equal(records[0]!.events.count, 200);
    await cleanup();
  });

  test("appends are refused at the bound of bytes and taken again when records are committed", async () => {
    const { log, cleanup } = await open({ bytesMax: 300_000 });
    await log.append(events(100, 1_000));
    await assert.rejects(
      log.append(events(200, 1_000)),
      (error) => hasCode("log_full")(error) && (error as WeirError).retryAfterMs !== undefined,
    );
    await log.commit(source, (await log.ends()).get(source)!);
    await until(() => log.state().bytes === 0);
    await log.append(events(200, 1_000));
    await cleanup();
  });

  test("the last of the log's room is for small appends, so that large ones don't keep them out", async () => {
    const { log, cleanup } = await open({ bytesMax: 3_200_000 });
    assert.ok((await untilFull(log, 100_000)) > 20);
    assert.deepEqual(
      [log.state().accepting, log.state(100_000).accepting, log.state(1_000).accepting],
      [false, false, true],
    );
    assert.match(log.state().reason!, /the last of them are for requests of at most 65536 bytes/);
    const small = await untilFull(log, 10_000);
    assert.ok(small >= 5, `only ${small} small ones found room`);
    await cleanup();
  });

  test("appends are refused at the disk's low mark and taken again when there is room", async () => {
    let free = 2_000_000;
    const { log, cleanup } = await open({ freeBytesMin: 1_000_000, freeBytes: () => free });
    await log.append(events(10));
    free = 900_000;
    await until(() => !log.state().accepting);
    assert.match(log.state().reason!, /900000 bytes left/);
    await assert.rejects(log.append(events(10)), hasCode("log_full"));
    free = 2_000_000;
    await until(() => log.state().accepting);
    await log.append(events(10));
    await cleanup();
  });

  test("a full file keeps nothing of what it refuses, and takes what fits", async () => {
    const { log, cleanup } = await open({ fileBytesMax: 1 << 20, onFailure: assert.fail });
    await log.append(events(1));
    const [large, later] = await Promise.allSettled([log.append(events(2_000, 1_000)), log.append(events(1))]);
    assert.ok(large.status === "rejected" && hasCode("log_full")(large.reason) && !large.reason.outcomeUnknown);
    assert.doesNotMatch(large.reason.message, /log\.db/, "a client is told this, and no path");
    assert.equal(log.state().accepting, true);
    await log.append(events(1));
    const kept = later.status === "fulfilled" ? 3 : 2;
    assert.equal((await log.ends()).get(source), kept);
    assert.equal(
      (await log.read({ src: source, off: offset(0) }, plenty)).reduce((sum, record) => sum + record.events.count, 0),
      kept,
    );
    await cleanup();
  });

  test("more in flight than the bound is refused with nothing kept", async () => {
    const { log, cleanup } = await open({ inFlightBytesMax: 50_000 });
    const taken = log.append(events(40, 1_000));
    await assert.rejects(log.append(events(40, 1_000)), hasCode("log_unavailable"));
    await taken;
    await log.append(events(40, 1_000));
    assert.equal((await log.ends()).get(source), 80);
    await cleanup();
  });

  test("committed records are deleted record by record, and who reads below what is kept is told of the gap", async () => {
    const { log, reopen, cleanup } = await open();
    for (let i = 0; i < 5; i++) await log.append(events(10));
    await log.commit(source, offset(25));
    await until(() => log.state().bytes < 3 * (10 * 60 + 64));
    const again = await reopen();
    for (const off of [0, 19].map(offset))
      await assert.rejects(again.read({ src: source, off }, plenty), hasCode("log_gap"));
    const records = await again.read({ src: source, off: offset(20) }, plenty);
    assert.deepEqual(
      records.map((record) => record.from),
      [20, 30, 40],
    );
    await cleanup();
  });

  test("a commit beyond the end, and a partition that is not there, are mistakes of the caller", async () => {
    const { log, cleanup } = await open();
    await assert.rejects(log.commit(source, offset(1)), hasCode("internal"));
    await assert.rejects(log.read({ src: src(1), off: offset(0) }, plenty), hasCode("internal"));
    await cleanup();
  });

  test("a dead thread: appends in flight are unknown, later ones refused, the process is told once", async () => {
    const failures: WeirError[] = [];
    const writer = new URL("./dying-writer.fixture.ts", import.meta.url);
    const { log, cleanup } = await open({ scripts: { writer }, onFailure: (error) => failures.push(error) });
    const waiting = log.read({ src: source, off: offset(0) }, { ...plenty, waitMs: 30_000 });
    const [append, read] = await Promise.allSettled([log.append(events(1)), waiting]);
    assert.ok(append.status === "rejected" && hasCode("log_failed")(append.reason) && append.reason.outcomeUnknown);
    assert.ok(read.status === "rejected" && hasCode("log_failed")(read.reason));
    await assert.rejects(log.append(events(1)), hasCode("log_unavailable"));
    assert.match(log.state().reason!, /thread ended: struck/);
    assert.equal(failures.length, 1);
    await cleanup();
  });
});

test("a log whose folder was removed behind our back can't go on, one whose disk does not answer can", async () => {
  const failures: string[] = [];
  let code = "ESTALE";
  const freeBytes = (): number => {
    if (code !== "") throw Object.assign(new Error(`${code}: statfs`), { code });
    return 1 << 30;
  };
  const { log, cleanup } = await open({ freeBytes, onFailure: (error) => failures.push(error.message) });
  await assert.rejects(log.append(events(1)), {
    code: "log_unavailable",
    message: /does not say what it has left \(ESTALE\)/,
  });
  code = "";
  await log.append(events(1));
  code = "ENOENT";
  await until(() => !log.state().accepting);
  assert.deepEqual(failures, ["the folder is not there any more: ENOENT: statfs"]);
  await assert.rejects(log.append(events(1)), hasCode("log_unavailable"));
  await cleanup();
});

for (const name of ["log.db", "log.db-wal"])
  test(`nothing is acknowledged once ${name} was removed behind our back`, async () => {
    const failures: string[] = [];
    const { log, dir, cleanup } = await open({ onFailure: (error) => failures.push(error.message) });
    await log.append(events(3));
    rmSync(join(dir, name));
    await assert.rejects(log.append(events(3)), { code: "log_failed", outcomeUnknown: true });
    assert.match(failures.join(), new RegExp(`${name} was removed while it was in use`));
    await cleanup();
  });

test("a first start that was killed before its witness was written is not damage; an empty witness of a log with events is", async () => {
  const dir = mkdtempSync(join(tmpdir(), "weir-log-"));
  try {
    openWriterFiles(dir, 1 << 30).close();
    assert.equal(readFileSync(witnessPath(dir)).length, 0);
    const log = await openEmbeddedLog({ dir, bytesMax: 1 << 30, freeBytesMin: 0, clock: systemClock });
    await log.append(events(1));
    await log.close();
    truncateSync(witnessPath(dir));
    assert.throws(() => openWriterFiles(dir, 1 << 30), hasCode("log_damaged"));
    rmSync(databasePath(dir));
    assert.throws(() => openWriterFiles(dir, 1 << 30), hasCode("log_damaged"), "nor is it that of a new log");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
