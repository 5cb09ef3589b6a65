import assert from "node:assert/strict";
import { test } from "node:test";
import { paceAfter, paceAfterFailure, pauseAfter } from "./fill-pace.ts";

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
  const pace = { eventsMax: 120_000, rulesMax: 256 };
  assert.equal(paceAfter(pace, 120_000, 5000, busy, most).eventsMax, 60_000);
  assert.equal(paceAfter(pace, 120_000, 750, busy, most).eventsMax, 80_000);
  assert.equal(paceAfter(pace, 120_000, 400, busy, most).eventsMax, 150_000);
  assert.equal(paceAfter({ ...pace, eventsMax: 60_000 }, 60_000, 10, idle, most).eventsMax, 120_000);
  assert.equal(paceAfter({ ...pace, eventsMax: most }, most, 1, idle, most).eventsMax, most);
  assert.equal(paceAfter({ ...pace, eventsMax: 50_000 }, 50_000, 9000, busy, most).eventsMax, 50_000);
  assert.equal(paceAfter(pace, 10, 9, busy, most).eventsMax, 120_000, "a short piece says little");
});

test("after a failure fewer rules are tried at a time, then fewer events, and all again when it goes well", () => {
  const many = { eventsMax: 40_000, rulesMax: 256 };
  assert.deepEqual(paceAfterFailure(many, 101, most), { eventsMax: 40_000, rulesMax: 51 });
  assert.deepEqual(paceAfterFailure(many, 1, most), { eventsMax: 10_000, rulesMax: 1 });
  assert.deepEqual(paceAfterFailure({ eventsMax: 5000, rulesMax: 1 }, 1, most), { eventsMax: 5000, rulesMax: 1 });
  assert.deepEqual(paceAfter({ eventsMax: 5000, rulesMax: 1 }, 5000, 10, idle, most), {
    eventsMax: 10_000,
    rulesMax: 2,
  });
});
