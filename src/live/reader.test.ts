import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { defaultLimits } from "./limits.ts";
import { ReadPlaces } from "./places.ts";
import type { ReadableFeed } from "./readable.ts";
import { FeedReader } from "./reader.ts";

interface TestFeed extends ReadableFeed {
  /** How long a read of it takes. */
  readonly takesMs: number;
  readonly fails: boolean;
  readAt: number[];
}

function desk() {
  const clock = new SimulatedClock();
  const feed = (takesMs: number, fails = false): TestFeed => ({
    ...{ takesMs, fails, readAt: [], reading: false, failures: 0, askedAt: null, isSlow: false, readAgainAt: 0 },
    isWanted: true,
  });
  const start = clock.monotonic();
  const reader = new FeedReader<TestFeed>(clock, new ReadPlaces(defaultLimits.readsMax), defaultLimits, {
    before: () => {},
    next: async (one) => {
      one.readAt.push(clock.monotonic() - start);
      await clock.sleep(one.takesMs);
      if (one.fails) throw new Error("ended");
      return false;
    },
    done: () => {},
    failed: () => {},
  });
  /** Asks for them every 100 ms. */
  const run = async (ms: number, feeds: readonly TestFeed[]): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      for (const one of feeds) reader.ask(one);
      await clock.advance(100);
    }
  };
  return { clock, reader, feed, run };
}

test("a feed rests as long as its read took, whether or not that failed, but no longer than five seconds", async () => {
  const { feed, run } = desk();
  const feeds = [feed(2000), feed(2000, true), feed(9000), feed(10)] as const;
  await run(15_000, feeds);
  const [long, failing, longest, short] = feeds.map(({ readAt }) => readAt);
  assert.deepEqual(long, [0, 4000, 8000, 12_000]);
  assert.deepEqual(failing, [0, 4000, 8000, 12_000]);
  assert.deepEqual(longest, [0, 14_000]);
  assert.ok(short!.length > 100);
});

test("feeds that are slow leave half of the places to the others, however many they are", async () => {
  const { feed, run, reader, clock } = desk();
  const slow = Array.from({ length: 20 }, (_, index) => feed(5000, index % 2 === 0));
  await run(60_000, slow);
  const quick = feed(10);
  const askedAt = clock.monotonic();
  for (const one of slow) reader.ask(one);
  await run(10_000, [...slow, quick]);
  assert.ok(quick.readAt.length > 50, `${quick.readAt.length} reads after ${askedAt}`);
});

test("since when a read is asked for is known until it has been made", async () => {
  const { feed, run, clock } = desk();
  const failing = feed(100, true);
  const quick = feed(100);
  const start = clock.monotonic();
  await run(3000, [failing, quick]);
  assert.equal(failing.askedAt, start);
  assert.ok(quick.askedAt === null || quick.askedAt >= start + 2700);
});
