import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPace, paceAfter, paceAfterFailure, paceSeen, pauseAfter } from "./fill-pace.ts";

const idle = { busy: false, lagMs: 0 };
const busy = { busy: true, lagMs: 60 };
const lagging = { busy: true, lagMs: 5000 };
const most = 200_000;

test("a fill leaves time to what is live, and more of it when that lags", () => {
  const table = [
    { took: 200, share: 0.5, live: idle, pause: 0 },
    { took: 200, share: 0.5, live: busy, pause: 200 },
    { took: 200, share: 0.25, live: busy, pause: 600 },
    { took: 200, share: 1, live: busy, pause: 0 },
    { took: 100, share: 1, live: lagging, pause: 1900 },
    { took: 100, share: 0.01, live: lagging, pause: 9900 },
  ];
  for (const { took, share, live, pause } of table) assert.equal(pauseAfter(took, share, live), pause);
});

test("pieces come to take the wanted time, by steps of two, between the bounds", () => {
  const pace = { eventsMax: 120_000, rulesMax: 256, positionsPerEvent: 1 };
  assert.equal(paceAfter(pace, 120_000, 5000, busy, most).eventsMax, 60_000);
  assert.equal(paceAfter(pace, 120_000, 750, busy, most).eventsMax, 80_000);
  assert.equal(paceAfter(pace, 120_000, 400, busy, most).eventsMax, 150_000);
  assert.equal(paceAfter({ ...pace, eventsMax: 60_000 }, 60_000, 10, idle, most).eventsMax, 120_000);
  assert.equal(paceAfter({ ...pace, eventsMax: most }, most, 1, idle, most).eventsMax, most);
  assert.equal(paceAfter({ ...pace, eventsMax: 50_000 }, 50_000, 9000, busy, most).eventsMax, 50_000);
  assert.equal(paceAfter(pace, 10, 9, busy, most).eventsMax, 120_000, "a short piece says little");
  assert.equal(paceAfter(pace, 110_000, 20_000, busy, most).eventsMax, 60_000, "but that it was too long");
});

test("after a failure fewer rules are tried at a time, then fewer events, and all again when it goes well", () => {
  const many = { eventsMax: 40_000, rulesMax: 256, positionsPerEvent: 9 };
  const few = { ...many, eventsMax: 500, rulesMax: 1 };
  assert.deepEqual(paceAfterFailure(many, 101, most), { ...many, rulesMax: 51 });
  assert.deepEqual(paceAfterFailure(many, 1, most), { ...few, eventsMax: 10_000 });
  assert.deepEqual(paceAfterFailure(few, 1, most), few);
  assert.deepEqual(paceAfterFailure({ ...few, eventsMax: 5000 }, 1, most), { ...few, eventsMax: 1250 });
  assert.deepEqual(paceAfter(few, 500, 10, idle, most), { ...few, eventsMax: 1000, rulesMax: 2 });
  assert.equal(paceAfter(few, 500, 9000, busy, most).eventsMax, 1000, "so few no longer than a failure asks for");
});

test("the end of a piece is looked for a little beyond where it is expected, and far behind a stretch without events", () => {
  const pace = firstPace(most, 16_384);
  const seen = (positions: number, events: number): number => paceSeen(pace, positions, events).positionsPerEvent;
  assert.equal(seen(16_384 * 50, 50_000), 20.48, "a thousand events a record");
  assert.equal(seen(10 ** 9, 0), 16_384 * 8);
  assert.equal(seen(10 ** 9, 1), 16_384 * 8, "not as far as one event makes believe");
});
