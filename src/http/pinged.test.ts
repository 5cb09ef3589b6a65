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

test("who answers is not closed because turns come late; who does not is", async () => {
  const clock = new SimulatedClock();
  const pinged = new Pinged(clock, 8000);
  const alive = new Client((one) => void clock.sleep(1000).then(() => pinged.answered(one)));
  const deaf = new Client(() => {});
  for (const one of [alive, deaf]) pinged.add(one);
  // Half a second each, instead of a fifth.
  for (let turn = 0; turn < 200; turn++) {
    await clock.advance(500);
    pinged.next();
  }
  assert.deepEqual([alive.isClosed, deaf.isClosed], [false, true]);
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
