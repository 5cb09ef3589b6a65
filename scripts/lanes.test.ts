import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { faultLane, type Lane, loadLane, runLanes, serviceLanes } from "./lanes.ts";
import { close, type Result, type Step } from "./steps.ts";

const step = (name: string): Step => ({ name, program: "none", args: [], counts: true, secondsMax: 1 });
const lane = (name: string, atOnce: number, count: number): Lane => ({
  ...{ name, atOnce },
  steps: Array.from({ length: count }, (_, index) => step(`${name} ${index}`)),
});

/** Runs nothing: each step takes a turn or two, and what ran beside what is written down. */
function played() {
  const running = new Set<string>();
  const begun: string[] = [];
  const most = new Map<string, number>();
  const run = async (one: Step): Promise<Result> => {
    begun.push(one.name);
    running.add(one.name);
    for (const kind of new Set(["", ...[...running].map((name) => name.split(" ")[0]!)])) {
      const count = [...running].filter((name) => name.startsWith(kind)).length;
      most.set(kind, Math.max(most.get(kind) ?? 0, count));
    }
    for (let turn = 0; turn <= begun.length % 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    running.delete(one.name);
    return { step: one, ok: true, passed: 1, failed: 0, skipped: 0, seconds: 1, output: "" };
  };
  return { run, begun, most };
}

test("every step runs once, as many at a time as its lane and the machine allow, the longest way first", async () => {
  const { run, begun, most } = played();
  const lanes = [lane("short", 1, 2), lane("narrow", 1, 5), lane("wide", 2, 12)];
  const results = await runLanes(lanes, 3, run);
  const all = lanes.flatMap(({ steps }) => steps.map(({ name }) => name));
  assert.deepEqual(begun.toSorted(), all.toSorted());
  assert.deepEqual(results.map(({ step: { name } }) => name).toSorted(), all.toSorted());
  assert.deepEqual(Object.fromEntries(most), { "": 3, wide: 2, narrow: 1, short: 1 });
  assert.deepEqual(begun.slice(0, 2), ["wide 0", "wide 1"]);
});

test("the files that are said to take long are there", () => {
  const table = readFileSync(new URL("lanes.ts", import.meta.url), "utf8");
  const named = [...table.matchAll(/^ {2}"(.*\.test\.ts)": \d+,$/gm)].map(([, file]) => file!);
  assert.ok(named.length > 10);
  for (const file of named) assert.ok(existsSync(new URL(`../${file}`, import.meta.url)), file);
  const files = [...serviceLanes(), faultLane(), loadLane()].flatMap(({ steps }) => steps.map(({ name }) => name));
  assert.equal(new Set(files).size, files.length, "a file is in two lanes");
});

test("the last line sums up, and before it stands what has failed and how long all of it took", (t) => {
  const log = t.mock.method(console, "log", () => {});
  const result = { step: step("one"), ok: true, passed: 3, failed: 0, skipped: 0, seconds: 1, output: "" };
  const code = close([result, { ...result, step: step("other"), ok: false, failed: 2 }]);
  const lines = log.mock.calls.map(({ arguments: [line] }) => String(line));
  log.mock.restore();
  assert.equal(code, 1);
  assert.match(lines.join("\n"), /^failed: other\n\d+ s in all\n6 passed, 2 failed$/);
});
