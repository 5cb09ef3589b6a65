import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemClock } from "../lib/clock.ts";
import { untilStopped } from "./until-stopped.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
setFlagsFromString("--no-expose-gc");

/** So many pieces, of which it says how many somebody has still got. */
function pieces(count: number) {
  const given: WeakRef<object>[] = [];
  async function* coming(): AsyncGenerator<object> {
    for (let number = 0; number < count; number++) {
      const piece = { number };
      given.push(new WeakRef(piece));
      yield piece;
    }
  }
  const kept = async (): Promise<number> => {
    // Twice: a collection that had begun keeps what it has seen, and a weak reference holds until the turn is over in which it was made.
    for (let time = 0; time < 2; time++) {
      await new Promise(setImmediate);
      collect();
    }
    return given.filter((piece) => piece.deref() !== undefined).length;
  };
  return { coming: coming(), kept };
}

test("what has been read is let go of while the rest is read", async () => {
  const { signal } = new AbortController();
  const { coming, kept } = pieces(200);
  const reading = untilStopped(coming, signal, systemClock);
  for (let read = 0; read < 199; read++) await reading.next();
  const left = await kept();
  assert.ok(left < 5, `${left} of 199 pieces are kept`);
  assert.equal((await Array.fromAsync(reading)).length, 1);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

test("it ends when it is stopped, before it begins and while nothing comes", async () => {
  assert.deepEqual(await Array.fromAsync(untilStopped(pieces(2).coming, AbortSignal.abort(), systemClock)), []);
  const ended = new AbortController();
  const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const reading = Array.fromAsync(untilStopped(silent, ended.signal, systemClock));
  setImmediate(() => ended.abort());
  assert.deepEqual(await reading, []);
});

test("what reading throws is thrown", async () => {
  const failing = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("no more")) }) };
  await assert.rejects(Array.fromAsync(untilStopped(failing, new AbortController().signal, systemClock)), /no more/);
});
