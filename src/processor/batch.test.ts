import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { pack } from "../event/packed.ts";
import { offset, src } from "../event/position.ts";
import type { LogRecord } from "../log/log.ts";
import type { Batch, FormedBatch } from "./batch.ts";
import {
  type BatchPart,
  formBatch,
  partFrom,
  rangeOf,
  settleDoubtful,
  withoutRejected,
  withoutStored,
} from "./batch.ts";
import { RecentIds } from "./recent-ids.ts";

const record = (from: number, ids: string[], timestamp = 5000): LogRecord => ({
  src: src(0),
  from: offset(from),
  to: offset(from + ids.length - 1),
  appendedAt: 1,
  events: pack(ids.map((event_id) => ({ event_id, event_type: "t", user_id: "u", timestamp, payload: "{}" }))),
});

const form = (
  records: LogRecord[],
  given: { ids?: RecentIds; stored?: number[]; rejected?: number[]; from?: number; cut?: number } = {},
) =>
  resultOf(
    formBatch({
      records,
      range: rangeOf(records, given.from ?? records[0]!.from, given.cut ?? Infinity),
      ids: given.ids ?? new RecentIds({ idsMax: 1000, seed: 1 }),
      stored: new Set(given.stored ?? []),
      rejected: new Set(given.rejected ?? []),
    }),
  );

function resultOf(steps: ReturnType<typeof formBatch>): FormedBatch {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The offsets that the batch would store. */
const kept = (batch: Batch): number[] =>
  batch.pieces.flatMap((piece) =>
    Array.from({ length: piece.events.count }, (_, index) => index)
      .filter((index) => !piece.skip?.[index])
      .map((index) => piece.from + index),
  );

/** A record with more positions than events, as a log has that gives each record so many. */
const roomy = (from: number, ids: string[], more: Partial<LogRecord> = {}): LogRecord => ({
  ...record(from, ids),
  to: offset(from + 99),
  ...more,
});

describe("a batch over records with holes", () => {
  test("has its events where they are, and the holes in its range", () => {
    const { batch } = form([roomy(0, ["a", "b"]), roomy(100, []), roomy(300, ["c", "a"])]);
    assert.deepEqual(batch.range, { src: 0, from: 0, to: 399 });
    assert.deepEqual(kept(batch), [0, 1, 300]);
    assert.deepEqual([batch.events, batch.duplicates], [4, 1]);
  });

  test("begins in a hole, and is cut in one", () => {
    const records = [roomy(0, ["a", "b"]), roomy(100, ["c"])];
    const { batch } = form(records, { from: 50, cut: 140 });
    assert.deepEqual(batch.range, { src: 0, from: 50, to: 139 });
    assert.deepEqual(kept(batch), [100]);
  });

  test("names what is no event, once, and nothing of it is stored", () => {
    const bad = { unreadable: { reason: "it is not JSON", text: "hello" } };
    const records = [roomy(0, ["a"]), roomy(100, [], bad), roomy(200, [], bad)];
    const { batch } = form(records, { rejected: [100] });
    assert.deepEqual(batch.unreadable, [{ off: 200, receivedAt: 1, reason: "it is not JSON", text: "hello" }]);
    assert.deepEqual(kept(batch), [0]);
    assert.equal(batch.events, 1);
    assert.deepEqual(form(records, { from: 201 }).batch.unreadable, []);
  });

  test("sets nothing aside that an interrupted write has stored as an event", () => {
    const bad = { unreadable: { reason: "its time is too far ahead", text: "{}" } };
    const { batch } = form([roomy(0, [], bad), roomy(100, [], bad)], { stored: [100] });
    assert.deepEqual(
      batch.unreadable.map(({ off }) => off),
      [0],
    );
  });
});

describe("a batch", () => {
  test("spans its records and knows where each event ends", () => {
    const { batch } = form([record(10, ["a", "b"]), record(12, ["c"])]);
    assert.deepEqual(batch.range, { src: 0, from: 10, to: 12 });
    assert.deepEqual(kept(batch), [10, 11, 12]);
    assert.equal(batch.pieces[0]!.ends.at(-1), batch.pieces[0]!.events.bytes.length);
    assert.deepEqual(batch.seconds, [5]);
  });

  test("keeps the first of several events with one id, within a record and over records", () => {
    const { batch } = form([record(0, ["a", "a", "b"]), record(3, ["b", "c"])]);
    assert.deepEqual(kept(batch), [0, 2, 4]);
    assert.equal(batch.duplicates, 2);
    assert.equal(batch.events, 5);
  });

  test("ends before a position where the set of rules changes, and leaves the rest for the next one", () => {
    const records = [record(0, ["a", "b"]), record(2, ["c", "d"])];
    const ids = new RecentIds({ idsMax: 1000, seed: 1 });
    assert.deepEqual(kept(form(records, { cut: 3, ids }).batch), [0, 1, 2]);
    const rest = form([records[1]!], { from: 3, ids }).batch;
    assert.deepEqual(kept(rest), [3]);
    assert.deepEqual([rest.events, rest.duplicates], [1, 0]);
  });

  test("leaves out what an interrupted write has stored, without calling it a repeat, but knows its id from then on", () => {
    const ids = new RecentIds({ idsMax: 1000, seed: 1 });
    const { batch } = form([record(0, ["a", "b", "b"])], { stored: [1], ids });
    assert.deepEqual(kept(batch), [0]);
    assert.equal(batch.duplicates, 1);
  });

  test("asks the store about ids that are older than what is remembered, once an id", () => {
    const ids = new RecentIds({ idsMax: 1000, seed: 1 });
    ids.raiseHorizon(10_000);
    const { batch, doubtful } = form([record(0, ["a", "b", "a"])], { ids });
    assert.deepEqual(
      doubtful.map(({ key }) => key.event_id),
      ["a", "b"],
    );
    assert.deepEqual(kept(batch), [0, 1]);
    settleDoubtful(batch, doubtful, [{ event_id: "b", timestamp: 5000 }]);
    assert.deepEqual(kept(batch), [0]);
    assert.equal(batch.duplicates, 2);
  });

  test("keeps the first of several events with one id also when only its time is older than what is remembered", () => {
    const ids = new RecentIds({ idsMax: 1000, seed: 1 });
    ids.raiseHorizon(10_000);
    const records = [record(0, ["a", "event-b", "other-b"]), record(3, ["event-b", "third-b", "a"], 20_000)];
    const { batch, doubtful } = form(records, { ids });
    settleDoubtful(batch, doubtful, []);
    assert.deepEqual(kept(batch), [0, 1, 2, 4]);
    assert.equal(batch.duplicates, 2);
    // Stored by an interrupted write, the first is the original all the same.
    const again = new RecentIds({ idsMax: 1000, seed: 1 });
    again.raiseHorizon(10_000);
    assert.deepEqual(kept(form(records, { ids: again, stored: [0, 1, 2] }).batch), [4]);
  });

  test("a repeat is known within its batch, however little may be remembered", () => {
    const ids = new RecentIds({ idsMax: 1000, seed: 1 });
    const rising = Array.from({ length: 3000 }, (_, index) => record(index, [`e${index}`], (1000 + index) * 1000));
    const { batch, doubtful } = form([...rising, record(3000, ["e0"], 1000 * 1000)], { ids });
    settleDoubtful(batch, doubtful, []);
    assert.equal(batch.duplicates, 1);
    assert.ok(!kept(batch).includes(3000));
    form([record(3001, ["next"])], { ids });
    assert.ok(ids.size <= 1300, `${ids.size} ids are remembered`);
  });

  test("an old id that is stored under another timestamp is not taken for it", () => {
    const ids = new RecentIds({ idsMax: 1000, seed: 1 });
    ids.raiseHorizon(10_000);
    const { batch, doubtful } = form([record(0, ["a"])], { ids });
    settleDoubtful(batch, doubtful, [{ event_id: "a", timestamp: 4999 }]);
    assert.deepEqual(kept(batch), [0]);
  });

  test("writes only what is missing after a write whose outcome had to be read", () => {
    const { batch } = form([record(0, ["a", "b", "c"])]);
    withoutStored(batch.pieces, new Set([0, 2]));
    assert.deepEqual(kept(batch), [1]);
    assert.equal(batch.duplicates, 0);
  });

  test("what was set aside is no event of it, and a repeat behind it counts in its stead", () => {
    const ids = new RecentIds({ idsMax: 1000, seed: 1 });
    const { batch } = form([record(0, ["a", "b", "a"])], { rejected: [0], ids });
    assert.deepEqual(kept(batch), [1, 2]);
    assert.deepEqual([batch.events, batch.duplicates], [2, 0]);
    withoutRejected(batch, new Set([0, 1]));
    withoutRejected(batch, new Set([0, 1]));
    assert.deepEqual(kept(batch), [2]);
    assert.equal(batch.events, 1);
  });
});

describe("the parts of a batch", () => {
  const offsets = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 8 });
  const given = {
    // Few ids, so that many repeat; each record leaves some offsets without an event behind it.
    records: fc.array(fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f"), { maxLength: 6 }), {
      minLength: 1,
      maxLength: 8,
    }),
    ...{ stored: offsets, rejected: offsets, storedLater: offsets, rejectedLater: offsets },
    ...{ from: fc.integer({ min: 0, max: 7 }), cut: fc.integer({ min: 9, max: 80 }) },
    eventsMax: fc.integer({ min: 1, max: 12 }),
  };

  test("lie end to end, are no larger than wanted, and have what the batch has", () => {
    fc.assert(
      fc.property(
        fc.record(given),
        ({ records, stored, rejected, storedLater, rejectedLater, from, cut, eventsMax }) => {
          const laid = records.map((ids, index) => ({ ...record(index * 8, ids), to: offset(index * 8 + 7) }));
          const { batch } = form(laid, { stored, rejected, from, cut });
          withoutStored(batch.pieces, new Set(storedLater));
          withoutRejected(batch, new Set(rejectedLater));
          const parts = partsOf(batch, eventsMax);
          assert.deepEqual([parts[0]!.range.from, parts.at(-1)!.range.to], [batch.range.from, batch.range.to]);
          for (const [index, part] of parts.slice(1).entries())
            assert.equal(part.range.from, parts[index]!.range.to + 1);
          assert.ok(parts.every(({ events, range }) => events <= eventsMax && range.from <= range.to));
          const sums = (["events", "duplicates"] as const).map((what) =>
            parts.reduce((sum, part) => sum + part[what], 0),
          );
          assert.deepEqual(sums, [batch.events, batch.duplicates]);
        },
      ),
    );
  });

  test("each have the duplicates that lie in them", () => {
    const { batch } = form([record(0, ["a", "a", "b", "a", "c", "c"])]);
    const parts = partsOf(batch, 2).map(({ range, events, duplicates }) => [range.from, range.to, events, duplicates]);
    assert.deepEqual(parts, [
      [0, 1, 2, 1],
      [2, 3, 2, 1],
      [4, 5, 2, 1],
    ]);
  });

  function partsOf(batch: Batch, eventsMax: number): BatchPart[] {
    const parts: BatchPart[] = [];
    for (let from = batch.range.from; from <= batch.range.to; from = offset(parts.at(-1)!.range.to + 1))
      parts.push(partFrom(batch, from, eventsMax));
    return parts;
  }
});
