import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pack, walkPacked } from "../event/packed.ts";
import { type Offset, offset, src } from "../event/position.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { RejectedEvent } from "../store/rejects.ts";
import type { RawPiece } from "../store/store.ts";
import { BatchWriter } from "./batch-writer.ts";
import type { Batch, Piece } from "./batch.ts";

type Fate = "none" | "away" | "answer lost";
/** What the store says of the row that it refuses something for. */
type Hint = "none" | "right" | "wrong";

/** A store that refuses rows of these offsets, of which it may leave others behind, and that is away at times. */
class FakeStore {
  readonly raw: number[] = [];
  readonly aside: RejectedEvent[] = [];
  readonly refuses: ReadonlySet<number>;
  readonly #fates: Fate[];
  readonly #hint: Hint;
  /** Refuses everything, for it has a fault of its own. */
  broken = false;
  losesAside = false;
  inserts = 0;

  constructor(refuses: Iterable<number>, fates: readonly Fate[] = [], hint: Hint = "none") {
    this.refuses = new Set(refuses);
    this.#hint = hint;
    this.#fates = [...fates];
  }

  async insertRaw(_: unknown, pieces: readonly RawPiece[]): Promise<void> {
    this.inserts += 1;
    const offsets = pieces.flatMap((piece) =>
      Array.from({ length: piece.events.count }, (__, index) => index)
        .filter((index) => !piece.skip?.[index])
        .map((index) => piece.from + index),
    );
    await this.#play(() => {
      if (this.broken) throw refused("everything", false);
      const bad = offsets.find((off) => this.refuses.has(off));
      if (bad === undefined) return void this.raw.push(...offsets);
      // Of several rows a part may be there, and then the store can't say what.
      const leaves = bad % 2 === 0 && offsets.length > 1;
      if (leaves) this.raw.push(...offsets.filter((off) => !this.refuses.has(off)).slice(0, 1));
      throw refused(`of ${bad}`, leaves, this.#rowTold(offsets.indexOf(bad), offsets.length));
    });
  }

  #rowTold(row: number, rows: number): number | undefined {
    if (this.#hint === "none") return undefined;
    return this.#hint === "right" ? row : (row * 7) % (rows + 2);
  }

  async setAside(events: readonly RejectedEvent[]): Promise<void> {
    await this.#play(() => void this.aside.push(...events));
    if (!this.losesAside) return;
    this.losesAside = false;
    throw away();
  }

  async takesRows(): Promise<void> {
    if (this.broken) throw away();
  }
  storedOffsets = async (__: unknown, from: number): Promise<Offset[]> =>
    this.raw.filter((off) => off >= from).map(offset);
  rejectedOffsets = async (): Promise<Offset[]> => this.aside.map(({ off }) => offset(off));
  settle = async (): Promise<void> => {};
  rollUp = async (): Promise<boolean> => true;
  marks = async (): Promise<never[]> => [];
  fillMarks = async (): Promise<Map<number, never[]>> => new Map();

  async #play(act: () => void): Promise<void> {
    const fate = this.#fates.shift() ?? "none";
    if (fate === "away") throw away();
    act();
    if (fate === "answer lost") throw away();
  }
}

const refused = (why: string, outcomeUnknown: boolean, row?: number): WeirError =>
  new WeirError("store_refused", "no", { details: { reason: `refused because ${why}`, row }, outcomeUnknown });
const away = (): WeirError => new WeirError("store_unavailable", "away", { canRetry: true, outcomeUnknown: true });

function batchOf(counts: readonly number[]): Batch {
  let from = 100;
  const pieces = counts.map((count): Piece => {
    const events = pack(
      Array.from({ length: count }, (_, index) => ({
        event_id: `e${from + index}`,
        event_type: "t",
        user_id: "u",
        timestamp: ((from + index) * 7919) % 5000,
        payload: "{}",
      })),
    );
    const ends = new Uint32Array(count);
    walkPacked(events, ({ end }, index) => void (ends[index] = end));
    const piece = { from: offset(from), receivedAt: 5, events, ends, skip: null };
    from += count;
    return piece;
  });
  const range = { src: src(0), from: offset(100), to: offset(from - 1) };
  return { range, pieces, events: from - 100, duplicates: 0, seconds: [], unreadable: [] };
}

async function write(
  store: FakeStore,
  batch: Batch,
  sleep: () => void = () => {},
): Promise<{ forgotten: string[]; rejected: number }> {
  const forgotten: string[] = [];
  let rejected = 0;
  const clock: Clock = { ...systemClock, now: () => 42, monotonic: () => 0, sleep: async () => sleep() };
  const metrics = {
    batch: () => {},
    stage: () => {},
    taken: () => {},
    retried: () => {},
    broken: () => {},
    ruleStopped: () => {},
    narrowed: () => {},
    rejected: (events: number) => void (rejected += events),
  };
  const writer = new BatchWriter({ store, clock, metrics, signal: new AbortController().signal });
  await writer.raw(batch, { forget: (id) => void forgotten.push(id) });
  return { forgotten, rejected };
}

const sorted = (numbers: Iterable<number>): number[] => [...numbers].toSorted((a, b) => a - b);

test("whatever is refused, left behind, away or lost: each event is stored once or set aside once", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4, size: "max" });
  const bads = fc.array(fc.nat(159), { maxLength: 6, size: "max" });
  const hints = fc.constantFrom<Hint>("none", "right", "wrong");
  const fates = fc.array(fc.constantFrom<Fate>("none", "none", "none", "away", "answer lost"), {
    maxLength: 60,
    size: "max",
  });
  await fc.assert(
    fc.asyncProperty(sizes, bads, fates, hints, async (counts, bad, given, hint) => {
      const batch = batchOf(counts);
      const all = Array.from({ length: batch.events }, (_, index) => 100 + index);
      const refuses = all.filter((off) => bad.includes(off - 100));
      const store = new FakeStore(refuses, given, hint);
      const { forgotten, rejected } = await write(store, batch);
      assert.deepEqual(
        sorted(store.raw),
        all.filter((off) => !refuses.includes(off)),
      );
      assert.deepEqual(sorted(store.aside.map(({ off }) => off)), refuses);
      assert.deepEqual(forgotten.toSorted(), refuses.map((off) => `e${off}`).toSorted());
      assert.equal(batch.events, all.length - refuses.length);
      assert.equal(rejected, refuses.length);
    }),
    { numRuns: 300 },
  );
});

test("one among 10,000 is found in some twenty writes, and is set aside whole, with the reason", async () => {
  const inserts: number[] = [];
  for (let off = 1001; off < 10_000; off += 1000) {
    const store = new FakeStore([off]);
    await write(store, batchOf([4000, 6000]));
    inserts.push(store.inserts);
  }
  const mean = inserts.reduce((sum, one) => sum + one, 0) / inserts.length;
  assert.ok(mean <= 26, `${mean} writes`);
  const store = new FakeStore([7001]);
  await write(store, batchOf([4000, 6000]));
  assert.deepEqual(store.aside, [
    {
      src: 0,
      off: 7001,
      event_id: "e7001",
      event_type: "t",
      user_id: "u",
      timestamp: (7001 * 7919) % 5000,
      payload: "{}",
      receivedAt: 5,
      rejectedAt: 42,
      reason: "refused because of 7001",
    },
  ]);
});

test("a hundred among 10,000 take some two writes each where the store says which row it refuses", async () => {
  const bad = Array.from({ length: 100 }, (_, at) => 151 + at * 98);
  const store = new FakeStore(bad, [], "right");
  const { rejected } = await write(store, batchOf([4000, 6000]));
  assert.equal(rejected, 100);
  assert.ok(store.inserts <= 210, `${store.inserts} writes`);
});

test("what is set aside although the answer is lost is not set aside again", async () => {
  const store = new FakeStore([100]);
  store.losesAside = true;
  await write(store, batchOf([1]));
  assert.equal(store.aside.length, 1);
});

test("a store that refuses everything has a fault of its own: nothing is set aside, and when it is well again all is stored", async () => {
  const store = new FakeStore([]);
  store.broken = true;
  let pauses = 0;
  await write(store, batchOf([3]), () => {
    if (++pauses === 4) store.broken = false;
  });
  assert.equal(pauses, 4);
  assert.deepEqual([store.raw.length, store.aside.length], [3, 0]);
});
