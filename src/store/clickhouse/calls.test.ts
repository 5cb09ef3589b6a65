import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { Calls } from "./calls.ts";

describe("a call", () => {
  it("is let go of when it is answered: nobody listens to its signal any more", async () => {
    const read = new AbortController();
    const calls = new Calls(1, undefined);
    let signal: AbortSignal | undefined;
    const answer = await calls.make({ id: "q1", bytes: 0, ends: [read.signal] }, async (call) => {
      signal = call.asked({}).abort_signal;
      return call.read({ close: () => {} }, async () => "rows");
    });
    assert.equal(answer, "rows");
    assert.deepEqual(getEventListeners(signal!, "abort"), []);
  });

  it("is not waited for when nobody wants it any more, and its turn goes to the next", async () => {
    const read = new AbortController();
    const calls = new Calls(1, undefined);
    const never = calls.make({ id: "q1", bytes: 0, ends: [read.signal] }, () => new Promise<never>(() => {}));
    setImmediate(() => read.abort());
    await assert.rejects(never, /nobody waits for it any more/);
    assert.equal(await calls.make({ id: "q2", bytes: 0, ends: [] }, async () => 2), 2);
  });

  it("that nobody wants any more before its turn has come is not waited for, and stands in nobody's way", async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = new Calls(1, undefined);
    const held = calls.make({ id: "q1", bytes: 0, ends: [first.signal] }, () => new Promise<never>(() => {}));
    const waiting = calls.make({ id: "q2", bytes: 0, ends: [second.signal] }, () => assert.fail("was made"));
    setImmediate(() => second.abort(new Error("gone")));
    await assert.rejects(waiting, /gone/);
    first.abort();
    await assert.rejects(held, /nobody waits for it any more/);
    assert.equal(await calls.make({ id: "q3", bytes: 0, ends: [] }, async () => 3), 3);
  });

  it("whose answer got lost says so", async () => {
    const lost = new AbortController();
    const calls = new Calls(1, () => ({ signal: lost.signal, heard: () => {}, end: () => {} }));
    const never = calls.make({ id: "q1", bytes: 0, ends: [] }, () => new Promise<never>(() => {}));
    setImmediate(() => lost.abort());
    await assert.rejects(never, /its answer got lost on the way/);
  });
});
