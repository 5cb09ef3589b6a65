import assert from "node:assert/strict";
import { test } from "node:test";
import { offset, src } from "../event/position.ts";
import { event, piece, start } from "./store-samples.suite.ts";
import type { Store } from "./store.ts";

/** What a store owes of raw rows and their positions: a part of the suite of stores. */
export function positionCases(store: () => Store): void {
  test("raw rows come back whole, under their position", async () => {
    const odd = event("ключ \u0000 \"'\\ 🙂", {
      event_type: "t\n\t",
      user_id: "é",
      payload: '{"a":"\\u0000","b":[1,{"c":null}]}',
    });
    await store().insertRaw(src(1), [piece(0, [odd]), piece(7, [event("plain", { timestamp: start + 5 })])]);
    const stored = await store().events({ from: start, to: start + 10, limit: 10, event_id: odd.event_id });
    assert.deepEqual(stored, [{ ...odd, src: 1, off: 0, receivedAt: start + 1000 }]);
    assert.deepEqual(await store().storedOffsets(src(1), offset(0)), [0, 7]);
    assert.deepEqual(await store().storedOffsets(src(1), offset(1)), [7]);
  });

  test("it is found how many events a range has, and where the last is, whatever holes lie between positions", async () => {
    const far = 5 * 2 ** 14;
    await store().insertRaw(src(24), [
      piece(3, [event("n1"), event("n2"), event("n3")], [1]),
      piece(far, [event("n4")]),
    ]);
    const range = { src: src(24), from: offset(0), to: offset(far) };
    const found = await Promise.all([1, 2, 3, 4].map((most) => store().firstEvents(range, most)));
    assert.deepEqual(
      found.map(({ events, last }) => [events, last]),
      [
        [1, 3],
        [2, 5],
        [3, far],
        [3, far],
      ],
    );
    assert.deepEqual(await store().firstEvents({ ...range, from: offset(4), to: offset(far - 1) }, 2), {
      events: 1,
      last: 5,
    });
    assert.equal((await store().firstEvents({ ...range, from: offset(6), to: offset(far - 1) }, 2)).events, 0);
  });

  test("skipped events are not stored, and a piece of nothing else is no error", async () => {
    await store().insertRaw(src(2), [piece(0, [event("a"), event("b"), event("c")], [1])]);
    await store().insertRaw(src(2), [piece(3, [event("d")], [0])]);
    assert.deepEqual(await store().storedOffsets(src(2), offset(0)), [0, 2]);
  });
}
