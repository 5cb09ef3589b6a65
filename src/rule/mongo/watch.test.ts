import assert from "node:assert/strict";
import { test } from "node:test";
import type { Collection, Document } from "mongodb";
import { settled, SimulatedClock } from "../../../test/support/simulated-clock.ts";
import { ChangeLog, type Entry } from "./change-log.ts";
import { Watch } from "./watch.ts";

/** As much of the driver's stream as is used: insertions, one by one, until it ends. */
class Stream {
  readonly pipeline: readonly Document[];
  readonly #insertions: PromiseWithResolvers<void>[] = [Promise.withResolvers()];
  closed = false;

  constructor(pipeline: readonly Document[]) {
    this.pipeline = pipeline;
  }

  next(): Promise<void> {
    return this.#insertions[0]!.promise.finally(() => this.#insertions.shift());
  }

  insert(): void {
    this.#insertions.at(-1)!.resolve();
    this.#insertions.push(Promise.withResolvers());
  }

  async close(): Promise<void> {
    this.closed = true;
    this.end();
  }

  /** As a server ends it, or its being closed. */
  end(code?: number): void {
    this.#insertions.at(-1)!.reject(Object.assign(new Error("no stream"), { code }));
  }
}

/** Somebody who watches, on a clock that stands still: what is told without its moving on, no poll has found. */
function watched() {
  const clock = new SimulatedClock();
  const streams: Stream[] = [];
  const told: number[] = [];
  let changes = 0;
  const entries = {
    watch: (pipeline: readonly Document[]) => {
      streams.push(new Stream(pipeline));
      return streams.at(-1);
    },
  } as unknown as Collection<Entry>;
  const watch = new Watch({
    ...{ log: new ChangeLog(() => entries, "majority"), clock, revision: () => 0, renew: () => {}, report: () => {} },
    isChanged: async () => changes > watch.seen,
  });
  const stop = watch.add(() => told.push(watch.seen));
  /** Changes by others; of a stream that is open the server tells each. */
  const change = async (count: number): Promise<void> => {
    changes += count;
    const stream = streams.at(-1)!;
    if (!stream.closed) for (let each = 0; each < count; each++) stream.insert();
    await settled();
  };
  return { clock, streams, told, change, watch, stop };
}

test("changes of others are told by the stream, without a poll, each once", async () => {
  const { streams, told, change, watch } = watched();
  assert.deepEqual(streams[0]!.pipeline, [{ $match: { operationType: "insert" } }]);
  await change(1);
  assert.deepEqual(told, [1]);
  await change(3);
  assert.deepEqual(told, [1, 2, 3, 4]);
  await watch.close();
  assert.ok(streams[0]!.closed);
});

test("a stream that ends is opened again ten seconds later; meanwhile polls find what is new", async () => {
  const { clock, streams, told, change, watch } = watched();
  for (const [round, code] of [11600, undefined].entries()) {
    streams[round]!.end(code);
    await settled();
    assert.ok(streams[round]!.closed);
    await change(1);
    assert.equal(told.length, 2 * round);
    await clock.advance(500);
    assert.equal(told.length, 2 * round + 1);
    await clock.advance(9_499);
    assert.equal(streams.length, round + 1);
    await clock.advance(1);
    assert.equal(streams.length, round + 2);
    await change(1);
    assert.equal(told.length, 2 * round + 2);
  }
  await watch.close();
});

test("where there are no streams none is opened again, and polls go on", async () => {
  for (const code of [238, 115, 59, 40324, 40573, 13]) {
    const { clock, streams, told, change, watch } = watched();
    streams[0]!.end(code);
    await clock.advance(60_000);
    assert.equal(streams.length, 1, `code ${code}`);
    await change(1);
    await clock.advance(500);
    assert.deepEqual(told, [1]);
    await watch.close();
  }
});

test("whoever stops watching closes the stream, and none comes after it, not even one that was waited for", async () => {
  const { clock, streams, watch, stop } = watched();
  stop();
  assert.ok(streams[0]!.closed);
  await clock.advance(60_000);
  assert.equal(streams.length, 1);
  const again = watch.add(() => {});
  streams[1]!.end(11600);
  await clock.advance(5_000);
  again();
  await clock.advance(60_000);
  assert.equal(streams.length, 2);
  await watch.close();
});
