import assert from "node:assert/strict";
import { test } from "node:test";
import { platform } from "./surroundings.ts";

const mostMs = 2 ** 31 - 1;

test("what is to wait longer than a timer can does, and can be called off", ({ mock: { timers } }) => {
  timers.enable({ apis: ["setTimeout"] });
  const told: string[] = [];
  platform.after(mostMs + 5, () => told.push("late"));
  const cancel = platform.after(mostMs + 5, () => told.push("called off"));
  timers.tick(mostMs);
  timers.tick(4);
  assert.deepEqual(told, []);
  cancel();
  timers.tick(1);
  assert.deepEqual(told, ["late"]);
});

test("what is never to be done is not", ({ mock: { timers } }) => {
  timers.enable({ apis: ["setTimeout"] });
  let isDone = false;
  const cancel = platform.after(Infinity, () => (isDone = true));
  for (let turn = 0; turn < 3; turn++) timers.tick(mostMs);
  assert.equal(isDone, false);
  cancel();
});
