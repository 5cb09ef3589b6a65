import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./play.ts";
import type { Spoiler } from "./tables.ts";

/** The judge is judged: worlds in which one thing is spoiled on purpose must be found out. */
const seed = 5;

test("nothing is found in the world that the canaries live in", async () => {
  const { findings, events } = await play(seed);
  assert.deepEqual(findings, []);
  assert.ok(events > 20);
});

const canaries: readonly (readonly [what: string, spoiler: Spoiler, finding: RegExp])[] = [
  [
    "an acknowledged event is lost in raw",
    { raw: once((rows) => rows.slice(1)), rollup: same },
    /acknowledged but lost/,
  ],
  ["an event is twice in raw", { raw: once((rows) => [...rows, rows[0]!]), rollup: same }, /stored twice/],
  ["an event is lost in a rule", { raw: same, rollup: once((entries) => entries.slice(1)) }, /must be/],
  ["an event is twice in a rule", { raw: same, rollup: once((entries) => [...entries, entries[0]!]) }, /must be/],
];

for (const [what, spoiler, finding] of canaries)
  test(`a canary: ${what}`, async () => {
    const { findings } = await play(seed, { spoiler });
    assert.match(findings.join("\n"), finding);
  });

function same<T>(list: T[]): T[] {
  return list;
}

/** Spoils one list that has something to spoil, the fifth. */
function once<T>(spoil: (list: T[]) => T[]): (list: T[]) => T[] {
  let left = 5;
  return (list) => (list.length > 0 && --left === 0 ? spoil(list) : list);
}
