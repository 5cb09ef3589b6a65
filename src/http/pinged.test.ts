import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { Pinged } from "./pinged.ts";
import type { Pingable } from "./pinged.ts";

/** Answers a second after each ping, or never. */
class Client implements Pingable {
  askedAt: number | null = null;
  readUntil = 0;
  isClosed = false;
  readonly #answer: () => void;

  constructor(answer: (one: Client) => void) {
    this.#answer = () => answer(this);
  }

  ping(): void {
    this.#answer();
  }

  close(): void {
    this.isClosed = true;
  }
}

test("who answers is not closed because turns come late, however late and often; who does not is", async () => {
  // A fifth of a second is the rule.
  for (const [everyMs, withinMs] of [
    [200, 24_000],
    [500, 60_000],
    [1000, 120_000],
    [2500, 300_000],
  ] as const) {
    const clock = new SimulatedClock();
    const pinged = new Pinged(clock, 8000);
    const alive = new Client((one) => void clock.sleep(1000).then(() => pinged.answered(one)));
    const deaf = new Client(() => {});
    for (const one of [alive, deaf]) pinged.add(one);
    for (let ms = 0; ms < withinMs; ms += everyMs) {
      await clock.advance(everyMs);
      pinged.next();
    }
    assert.deepEqual([alive.isClosed, deaf.isClosed], [false, true], `turns of ${everyMs} ms`);
  }
});

test("whose answer lay there while the server stood still has as long for the next one as ever", async () => {
  const clock = new SimulatedClock();
  const pinged = new Pinged(clock, 8000);
  const one = new Client(() => {});
  pinged.add(one);
  const turn = async (afterMs: number): Promise<void> => (await clock.advance(afterMs), pinged.next());
  while (one.askedAt === null) await turn(200);
  await turn(20_000);
  pinged.answered(one);
  for (let ms = 0; ms < 14_000; ms += 200) await turn(200);
  assert.ok(!one.isClosed);
  for (let ms = 0; ms < 2_000; ms += 200) await turn(200);
  assert.ok(one.isClosed);
});

test("ten thousand are pinged in small turns, each of them every eight seconds; those who have gone no more", async () => {
  const clock = new SimulatedClock();
  const pinged = new Pinged(clock, 8000);
  let pings = 0;
  const all = Array.from({ length: 10_000 }, () => new Client((one) => ((pings += 1), pinged.answered(one))));
  for (const one of all) pinged.add(one);
  const turns: number[] = [];
  clock.every(pinged.turnMs, () => ((pings = 0), pinged.next(), turns.push(pings)));
  await clock.advance(8000);
  assert.deepEqual(new Set(turns), new Set([250]));
  assert.equal(turns.length, 40);
  for (const one of all) pinged.remove(one);
  await clock.advance(8000);
  assert.equal(pings, 0);
});
