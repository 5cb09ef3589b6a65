import assert from "node:assert/strict";
import { test } from "node:test";
import { settled, SimulatedClock } from "../../test/support/simulated-clock.ts";
import type { Flight } from "./flights.ts";
import { replay } from "./replay.ts";

const noon = Date.UTC(2001, 0, 1, 12);

async function* flightsOf(count: number): AsyncIterable<Flight> {
  for (let index = 0; index < count; index++)
    yield { ...{ index, departure: noon + index * 1000, delay: 0, distance: 1 }, origin: "A", destination: "B" };
}

/** A replay of so many flights to somebody who takes them at once, on a clock that goes on until `endMs` or the end. */
async function replayed(count: number, eventsPerSecond: number, endMs = Infinity) {
  const clock = new SimulatedClock();
  const startedAt = clock.monotonic();
  const ended = new AbortController();
  const sent: { readonly ms: number; readonly ids: readonly string[]; readonly wait: string }[] = [];
  const lines: string[] = [];
  let isDone: boolean | undefined;
  void replay({
    client: {
      send: async (events, wait) => {
        const ids = events.map((event) => (event as { event_id: string }).event_id);
        sent.push({ ms: clock.monotonic() - startedAt, ids, wait });
      },
      lagMs: async () => 7,
    },
    flights: { from: noon, to: noon + (count - 1) * 1000, count, each: flightsOf(count), close: () => {} },
    ...{ shiftMs: 0, eventsPerSecond, clock, signal: ended.signal, print: (line) => void lines.push(line) },
  }).then((done) => (isDone = done));
  await settled();
  while (isDone === undefined) {
    await clock.advance(10);
    if (clock.monotonic() - startedAt >= endMs) ended.abort();
  }
  return { sent, lines, isDone };
}

const idsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `flight-${index}`);

test("flights go at their pace: each in its turn, none late, and none sooner than what is gathered into a request", async () => {
  for (const [perSecond, requestMax] of [
    [100, 12],
    [10, 3],
    [5000, 501],
  ] as const) {
    const { sent, isDone } = await replayed(1000, perSecond);
    assert.equal(isDone, true);
    assert.deepEqual(
      sent.flatMap(({ ids }) => ids),
      idsOf(1000),
    );
    assert.ok(
      sent.every(({ ids }) => ids.length <= requestMax),
      `${perSecond}/s: ${sent.map(({ ids }) => ids.length).join()}`,
    );
    for (const { ms, ids } of sent)
      for (const id of ids) {
        const early = (Number(id.slice("flight-".length)) * 1000) / perSecond - ms;
        assert.ok(early >= -1e-6 && early <= 100 + 1e-6, `${perSecond}/s: ${id} was sent ${early} ms early`);
      }
  }
});

test("at no pace they go as fast as they are taken, 2,000 a request, and the last request waits until all is counted", async () => {
  const { sent, isDone } = await replayed(4500, 0);
  assert.equal(isDone, true);
  assert.deepEqual(
    sent.map(({ ms, ids, wait }) => [ms, ids.length, wait]),
    [
      [0, 2000, "durable"],
      [0, 2000, "durable"],
      [0, 500, "counted"],
    ],
  );
});

test("every five seconds a line says where it is, how fast it goes, and how far behind counting is", async () => {
  const { lines } = await replayed(1200, 100);
  assert.deepEqual(lines, [
    "2001-01-01 12:08  506 flights (42 %) · 100/s · 7 ms behind",
    "2001-01-01 12:16  1,012 flights (84 %) · 100/s · 7 ms behind",
  ]);
});

test("who wants an end has it, without what is not sent yet", async () => {
  const { sent, isDone } = await replayed(1000, 100, 3000);
  assert.equal(isDone, false);
  const ids = sent.flatMap((request) => request.ids);
  assert.ok(ids.length >= 300 && ids.length < 330, String(ids.length));
  assert.ok(sent.every(({ wait }) => wait === "durable"));
});
