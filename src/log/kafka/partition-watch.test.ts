import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../../test/support/simulated-clock.ts";
import { watchPartitions } from "./partition-watch.ts";

test("partitions that are added to a topic in use are told once, and whoever can't be asked is asked again", async () => {
  const clock = new SimulatedClock();
  const told: number[] = [];
  const answers = [6, 6, new Error("away"), 8, 8, 6, 8, 9];
  const count = async (): Promise<number> => {
    const answer = answers.shift() ?? 9;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const stop = watchPartitions({ clock, count, known: 6, grown: (now) => told.push(now) });
  await clock.advance(300_000);
  assert.deepEqual(told, [8, 9]);
  stop();
  answers.push(20);
  await clock.advance(300_000);
  assert.deepEqual(told, [8, 9]);
});
