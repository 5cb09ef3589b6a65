import assert from "node:assert/strict";
import { test } from "node:test";
import { Durations } from "./latency.ts";
import { selfTimes } from "./profile.ts";

test("self time is summed by function, idle time left out", () => {
  const frame = (functionName: string, url = "") => ({ functionName, url, lineNumber: 9 });
  const nodes = [
    { id: 1, callFrame: frame("(idle)") },
    { id: 2, callFrame: frame("parse", "file:///somewhere/src/event/parse.ts") },
    { id: 3, callFrame: frame("parse", "file:///somewhere/src/event/parse.ts") },
    { id: 4, callFrame: frame("(garbage collector)") },
  ];
  const times = selfTimes({ nodes, samples: [1, 2, 3, 4], timeDeltas: [5000, 1000, 2000, 1000] });
  assert.deepEqual(times, [
    { where: "parse src/event/parse.ts:10", ms: 3, share: 0.75 },
    { where: "(garbage collector)", ms: 1, share: 0.25 },
  ]);
});

test("percentiles are those of the values, however many", () => {
  const durations = new Durations();
  assert.deepEqual(durations.summary(), { p50: 0, p90: 0, p99: 0, max: 0 });
  for (let value = 3000; value > 0; value--) durations.add(value);
  assert.deepEqual(durations.summary(), { p50: 1500, p90: 2700, p99: 2970, max: 3000 });
});
