import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./play.ts";
import type { Spoiler } from "./tables.ts";

/**
 * The judge is judged: worlds in which one thing is spoiled on purpose must be found out. What is spoiled in a rule may
 * be of a version that was replaced, or no maximum, and a lost row may be written again after a lost answer; then there is
 * nothing to find.
 */
const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

test("nothing is found in the worlds that the canaries live in", async () => {
  for (const seed of seeds) assert.deepEqual((await play(seed)).findings, [], `seed ${seed}`);
});

type Canary = readonly [what: string, spoiler: () => Spoiler, finding: RegExp, foundLeast: number];
const canaries: readonly Canary[] = [
  [
    "lost in raw",
    () => ({ raw: once((rows) => rows.slice(1)), rollup: same }),
    /acknowledged but lost|said to be counted, and is not stored/,
    10,
  ],
  ["twice in raw", () => ({ raw: once((rows) => [...rows, rows[0]!]), rollup: same }), /stored twice/, 12],
  ["lost in a rule", () => ({ raw: same, rollup: once((entries) => entries.slice(1)) }), /must be/, 4],
  ["twice in a rule", () => ({ raw: same, rollup: once((entries) => [...entries, entries[0]!]) }), /must be/, 3],
];

for (const [what, spoiler, finding, foundLeast] of canaries)
  test(`a canary: an event is ${what}`, async (t) => {
    let found = 0;
    for (const seed of seeds) {
      const { findings } = await play(seed, { spoiler: spoiler() });
      found += Number(finding.test(findings.join("\n")));
    }
    t.diagnostic(`found in ${found} of ${seeds.length} worlds`);
    assert.ok(found >= foundLeast);
  });

function same<T>(list: T[]): T[] {
  return list;
}

/** Spoils one list that has something to spoil, the third. */
function once<T>(spoil: (list: T[]) => T[]): (list: T[]) => T[] {
  let left = 3;
  return (list) => (list.length > 0 && --left === 0 ? spoil(list) : list);
}
