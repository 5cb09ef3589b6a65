import assert from "node:assert/strict";
import { test } from "node:test";
import { Lane } from "./lane.ts";

const never = new AbortController().signal;

test("a lane lets so many in, in order, and turns away what does not fit its queue", async () => {
  const lane = new Lane(1, 2);
  const order: string[] = [];
  const leave = await lane.enter(never);
  const second = lane.enter(never).then((out) => (order.push("second"), out()));
  const third = lane.enter(never).then((out) => (order.push("third"), out()));
  await assert.rejects(lane.enter(never), /Code: 202/);
  leave();
  await Promise.all([second, third]);
  assert.deepEqual(order, ["second", "third"]);
  (await lane.enter(never))();
});

test("who gives up waiting leaves the queue and takes no place", async () => {
  const lane = new Lane(1, 1);
  const leave = await lane.enter(never);
  const given = new AbortController();
  const waiting = lane.enter(given.signal);
  given.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  const next = lane.enter(never);
  leave();
  (await next)();
  await assert.rejects(lane.enter(given.signal), /gone/);
});
