import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";

const second = 1000;
const span = (count: number) => ({ unit: "second", count }) as const;

test("of overlapping windows the newest are pushed also while batches carry more old events than are remembered", async () => {
  const { clock, client, take, store, progress, rules } = exactDesk({ windowsMax: 50 });
  // A minute every ten seconds: an event lies in six windows.
  const window = { kind: "hopping", size: span(60), hop: span(10), pane: span(10) } as const;
  const series = rules.set({ rule_id: "hops", window });
  const put = (value: number): void => {
    const last = clock.now() - (clock.now() % (10 * second));
    for (let hop = 0; hop < 6; hop++) {
      const windowStart = last - hop * 10 * second;
      store.set(series, { windowStart, windowEnd: windowStart + 60 * second, group: ["a"], value });
    }
  };
  put(1);
  const one = client();
  one.watch("hops", { interval_ms: 50 });
  await clock.advance(500);
  take(one);
  const now = Math.floor(clock.now() / second);
  // Nine events of yesterday are 54 windows, none of which anybody watches.
  const old = Array.from({ length: 9 }, (_, event) => now - 86_400 + event * 100);
  put(2);
  progress.touch([...old, now]);
  await clock.advance(1000);
  assert.deepEqual(
    take(one).map((message) => message.type === "delta" && message.rows.map(({ value }) => value)),
    [[2, 2, 2, 2, 2, 2]],
  );
});
