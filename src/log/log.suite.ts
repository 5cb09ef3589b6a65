import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pack, unpack } from "../event/packed.ts";
import type { PackedEvents } from "../event/packed.ts";
import { offset } from "../event/position.ts";
import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { Log, LogRecord, ReadOptions } from "./log.ts";

export interface OpenedLog {
  readonly log: Log;
  /** Closes the log and opens the same one again. */
  reopen(): Promise<Log>;
  /** Closes the log and removes everything of it. */
  cleanup(): Promise<void>;
}

/** What a log is like beyond its contract. */
export interface LogFacts {
  /** Records follow each other without a hole, and a record has as many offsets as events. */
  readonly dense: boolean;
  /** Its records are on our disk: `state` says how much they take, and how much they may. */
  readonly keepsRecords: boolean;
}

const plenty: ReadOptions = { bytesMax: 1 << 26, eventsMax: 1_000_000, waitMs: 60_000 };

/** Every duty of the contract in `log.ts`, as a case. Each adapter runs it; `open` gives a fresh, empty log each time. */
export function logSuite(name: string, facts: LogFacts, open: () => Promise<OpenedLog>): void {
  // One after another: the cases share the log, and what one appends another would read.
  describe(`log: ${name}`, { concurrency: 1 }, () => {
    let opened: OpenedLog;
    let log: Log;
    before(async () => {
      opened = await open();
      log = opened.log;
    });
    after(() => opened.cleanup());

    test("an empty log has partitions, ends, nothing to read and nothing committed", async () => {
      const ends = await log.ends();
      assert.ok(log.sources().length > 0);
      for (const source of log.sources()) {
        assert.ok(ends.has(source));
        assert.equal(await log.committed(source), 0);
        assert.deepEqual(await log.read({ src: source, off: offset(0) }, { ...plenty, waitMs: 0 }), []);
      }
      assert.equal(log.state().accepting, true);
      assert.equal(log.state().reason, undefined);
    });

    test("what was appended is read, once, in order, at its offsets", async () => {
      const before = await log.ends();
      const ranges = await log.append(events("order", 250));
      assert.equal(countOf(ranges), 250);
      const found = await readRanges(log, ranges);
      assert.deepEqual(found.map((each) => each.id).sort(), names("order", 250).sort());
      for (const { src: source, from } of ranges) assert.ok(from >= before.get(source)!);
      if (ranges.length === 1)
        assert.deepEqual(
          found.map((each) => each.id),
          names("order", 250),
        );
    });

    test("appends that overlap get ranges that do not, and all of them are there", async () => {
      const sizes = Array.from({ length: 40 }, (_, i) => 1 + ((i * 7) % 23));
      const answers = await Promise.all(sizes.map((size, i) => log.append(events(`overlap-${i}-`, size))));
      const positions = answers.flatMap((ranges) => ranges.flatMap(positionsOf));
      assert.equal(
        new Set(positions).size,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      for (const [i, ranges] of answers.entries()) {
        const found = await readRanges(log, ranges);
        assert.deepEqual(found.map((each) => each.id).sort(), names(`overlap-${i}-`, sizes[i]!).sort());
      }
    });

    test("the bytes of an append are the caller's again while it waits", async () => {
      const first = events("kept-", 5);
      const appended = [log.append(first)];
      first.bytes.fill(0);
      appended.push(log.append(events("other-", 3)));
      const [ranges] = await Promise.all(appended);
      const found = await readRanges(log, ranges!);
      assert.deepEqual(found.map((each) => each.id).sort(), names("kept-", 5).sort());
    });

    test("contents come back byte for byte", async () => {
      const text = 'ä€🦀\u0000"\\\u2028';
      const event = {
        event_id: text,
        event_type: "t",
        user_id: "u".repeat(256),
        timestamp: 253_402_300_799_999,
        payload: JSON.stringify({ [text]: text.repeat(500) }),
      };
      const [range] = await log.append(pack([event]));
      const [record] = await log.read({ src: range!.src, off: range!.from }, plenty);
      const index = range!.from - record!.from;
      assert.deepEqual(unpack(record!.events)[index], event);
    });

    test("ends and state tell what is there as soon as an append has resolved", async () => {
      const ranges = await log.append(events("ends", 10));
      const ends = await log.ends();
      for (const { src: source, to } of ranges) assert.ok(ends.get(source)! > to);
      const { bytes, bytesMax } = log.state();
      if (facts.keepsRecords) assert.ok(bytes > 0 && bytes <= bytesMax);
      else assert.equal(bytes, 0, "nothing waits to become durable");
    });

    test("the record of an append carries a time between before and after it", async () => {
      const start = Date.now();
      const [range] = await log.append(events("time", 1));
      const [record] = await log.read({ src: range!.src, off: range!.from }, plenty);
      assert.ok(record!.appendedAt >= start - 1 && record!.appendedAt <= Date.now() + 1);
    });

    test("read stops at its bounds, but gives at least one record, and goes on from there", async () => {
      const source = log.sources()[0]!;
      const start = (await log.ends()).get(source)!;
      for (let i = 0; i < 6; i++) await log.append(events(`bound-${i}-`, 50));
      const end = (await log.ends()).get(source)!;
      for (const bound of [{ eventsMax: 1 }, { bytesMax: 1 }]) {
        const seen: number[] = [];
        for (let at = start; at < end;) {
          const records = await log.read({ src: source, off: at }, { ...plenty, ...bound });
          assert.equal(records.length, 1);
          mustBeWhole(records[0]!, facts);
          seen.push(...eventsOf(records[0]!).filter((each) => each >= at));
          at = offset(records[0]!.to + 1);
        }
        assert.equal(new Set(seen).size, seen.length);
        if (facts.dense) assert.equal(seen.length, end - start);
        assert.deepEqual(
          seen,
          [...seen].sort((a, b) => a - b),
        );
      }
    });

    test("read from the middle of an append gives the record that holds it", async () => {
      const [range] = await log.append(events("middle", 100));
      const at = offset(range!.to - 1);
      const [record] = await log.read({ src: range!.src, off: at }, plenty);
      assert.ok(record!.from <= at && record!.to >= at);
    });

    test("read waits, and an append wakes it", async () => {
      const source = log.sources()[0]!;
      const at = (await log.ends()).get(source)!;
      const reading = log.read({ src: source, off: at }, { ...plenty, waitMs: 30_000 });
      let woken = false;
      void reading.then(() => (woken = true));
      for (let i = 0; !woken && i < 100; i++) {
        await log.append(events(`wake-${i}-`, 5));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok((await reading).length > 0);
    });

    test("read gives up empty-handed when the time is over or the signal aborts", async () => {
      const source = log.sources()[0]!;
      const at = (await log.ends()).get(source)!;
      assert.deepEqual(await log.read({ src: source, off: at }, { ...plenty, waitMs: 20 }), []);
      const stop = new AbortController();
      const reading = log.read({ src: source, off: at }, { ...plenty, waitMs: 30_000, signal: stop.signal });
      stop.abort();
      assert.deepEqual(await reading, []);
      assert.deepEqual(
        await log.read({ src: source, off: at }, { ...plenty, waitMs: 30_000, signal: stop.signal }),
        [],
      );
    });

    test("who was given all that came hears it after a while, and never of what came since", async () => {
      const source = log.sources()[0]!;
      const at = (await log.ends()).get(source)!;
      const start = Date.now();
      const heard = (): number => log.givenThrough?.(source) ?? Date.now();
      for (const until = deadline(); performance.now() < until && heard() < start;)
        assert.deepEqual(await log.read({ src: source, off: at }, { ...plenty, waitMs: 50 }), []);
      assert.ok(heard() >= start && heard() <= Date.now());
    });

    test("a reader that follows never sees what `ends` does not know, and may commit what it has seen", async () => {
      const source = log.sources()[0]!;
      let at = (await log.ends()).get(source)!;
      const appends = Promise.all(Array.from({ length: 200 }, (_, i) => log.append(events(`follow-${i}-`, 3))));
      let isDone = false;
      void appends.then(() => (isDone = true));
      while (!isDone || at < (await log.ends()).get(source)!) {
        const last = (await log.read({ src: source, off: at }, { ...plenty, waitMs: 5, eventsMax: 1 })).at(-1);
        if (last === undefined) continue;
        at = offset(last.to + 1);
        assert.ok(at <= (await log.ends()).get(source)!);
        await log.commit(source, at);
      }
    });

    test("an append of nothing is nothing", async () => {
      const before = await log.ends();
      assert.deepEqual(await log.append(pack([])), []);
      assert.deepEqual(await log.ends(), before);
    });

    test("everything is there after the log was closed and opened again", async () => {
      const ranges = await log.append(events("again", 500));
      const ends = await log.ends();
      log = await opened.reopen();
      assert.deepEqual((await readRanges(log, ranges)).map((each) => each.id).sort(), names("again", 500).sort());
      assert.deepEqual(await log.ends(), ends);
    });

    test("what is committed is remembered, and what is not is kept", async () => {
      const source = log.sources()[0]!;
      const kept = await log.append(events("kept", 50));
      const range = kept.find((each) => each.src === source);
      const next = range?.from ?? (await log.ends()).get(source)!;
      await log.commit(source, next);
      await untilCommitted(log, source, next);
      log = await opened.reopen();
      assert.equal(await log.committed(source), next);
      assert.deepEqual((await readRanges(log, kept)).map((each) => each.id).sort(), names("kept", 50).sort());
    });

    test("an offset is never given twice, also when everything was committed and the log opened again", async () => {
      const used = (await log.append(events("used", 20))).flatMap(positionsOf);
      for (const [source, end] of await log.ends()) await log.commit(source, end);
      log = await opened.reopen();
      for (const [source, end] of await log.ends()) assert.equal(await log.committed(source), end);
      const again = (await log.append(events("again-used", 20))).flatMap(positionsOf);
      assert.ok(again.every((each) => !used.includes(each)));
    });

    test("closing wakes who waits at the end", async () => {
      const source = log.sources()[0]!;
      const off = (await log.ends()).get(source)!;
      const reading = log.read({ src: source, off }, { ...plenty, waitMs: 60_000 });
      await log.close();
      assert.deepEqual(await reading, []);
      log = await opened.reopen();
    });

    test("closing answers every append that was made, and refuses new ones", async () => {
      const appends = Array.from({ length: 20 }, (_, i) => log.append(events(`closing-${i}-`, 10)));
      const closed = log.close();
      const ranges = (await Promise.all(appends)).flat();
      await assert.rejects(
        log.append(events("late", 1)),
        (error) => error instanceof WeirError && error.code === "stopping",
      );
      await closed;
      log = await opened.reopen();
      assert.equal((await readRanges(log, ranges)).length, 200);
    });
  });
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

const events = (prefix: string, count: number): PackedEvents =>
  pack(
    names(prefix, count).map((id, i) => ({
      event_id: id,
      event_type: "test",
      user_id: `u${i}`,
      timestamp: 1_768_000_000_000 + i,
      payload: `{"i":${i}}`,
    })),
  );

const countOf = (ranges: readonly OffsetRange[]): number => ranges.flatMap(offsetsOf).length;

/** The offsets of an append's range: those of one partition are consecutive as long as the append is small. */
const offsetsOf = ({ from, to }: { readonly from: Offset; readonly to: Offset }): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

const positionsOf = (range: OffsetRange): string[] => offsetsOf(range).map((off) => `${range.src}:${off}`);

/** The offsets of a record's events. */
const eventsOf = ({ from, events }: LogRecord): number[] => Array.from({ length: events.count }, (_, i) => from + i);

function mustBeWhole({ from, to, events }: LogRecord, { dense }: LogFacts): void {
  const last = from + events.count - 1;
  if (dense) assert.equal(to, last);
  else assert.ok(to >= last);
}

/** Every event that lies in the ranges, read through the log. */
async function readRanges(log: Log, ranges: readonly OffsetRange[]): Promise<{ src: Src; off: number; id: string }[]> {
  const found: { src: Src; off: number; id: string }[] = [];
  for (const { src: source, from, to } of ranges) {
    for (let at = from; at <= to;) {
      const records: readonly LogRecord[] = await log.read({ src: source, off: at }, plenty);
      assert.ok(records.length > 0, `nothing at ${source}:${at}`);
      for (const record of records) {
        const ids = unpack(record.events);
        for (const [i, event] of ids.entries()) {
          const off = record.from + i;
          if (off >= from && off <= to && off >= at) found.push({ src: source, off, id: event.event_id });
        }
        at = offset(record.to + 1);
      }
    }
  }
  return found;
}

/** What is waited for only may take as long as a broker on a busy machine needs. */
const deadline = (): number => performance.now() + 120_000;

/** A commit shows once it would survive a crash. */
async function untilCommitted(log: Log, source: Src, next: Offset): Promise<void> {
  for (const until = deadline(); (await log.committed(source)) !== next;) {
    assert.ok(performance.now() < until, `the commit of ${next} does not become durable`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
