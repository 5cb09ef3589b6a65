import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./play.ts";
import type { RawRow } from "./plan-reader.ts";
import type { Spoiler } from "./tables.ts";

/**
 * The judge is judged: worlds in which one thing is spoiled on purpose must be found out. What is spoiled in a rule may
 * be of a version that was replaced, or no maximum; a lost event may be one that was never acknowledged, or be stored later all
 * the same, when it is written again after a lost answer or sent again. Then there is nothing to find: of 60 worlds the last canary
 * is found in some 40, so that fewer than a dozen say little.
 */
const seeds = Array.from({ length: 24 }, (_, index) => index + 1);

test("nothing is found in the worlds that the canaries live in", async () => {
  for (const seed of seeds) assert.deepEqual((await play(seed)).findings, [], `seed ${seed}`);
});

/** Which worlds the seeds make changes with the code that is played. */
const tooSmallMost = 4;

type Canary = readonly [what: string, spoiler: () => Spoiler, finding: RegExp, foundLeast: number];
const canaries: readonly Canary[] = [
  ["twice in raw", () => ({ raw: once((rows) => [...rows, rows[0]!]), rollup: same }), /stored twice/, 24],
  ["lost in each series", () => ({ raw: same, rollup: onceInEach((entries) => entries.slice(1)) }), /must be/, 16],
  ["twice in each series", () => ({ raw: same, rollup: onceInEach((list) => [...list, list[0]!]) }), /must be/, 13],
];

test("a canary: an event is lost in raw", async (t) => {
  let [found, healed] = [0, 0];
  for (const seed of seeds) {
    const lost = loses();
    const { findings } = await play(seed, { spoiler: { raw: lost.raw, rollup: same } });
    const isFound = /acknowledged but lost|said to be counted, and is not stored/.test(findings.join("\n"));
    found += Number(isFound);
    healed += Number(!isFound && lost.isStored());
  }
  t.diagnostic(`found in ${found} of ${seeds.length} worlds, stored later in ${healed}`);
  assert.ok(found + healed >= seeds.length - 1);
  assert.ok(found >= 16);
});

for (const [what, spoiler, finding, foundLeast] of canaries)
  test(`a canary: an event is ${what}`, async (t) => {
    let [found, whole] = [0, 0];
    for (const seed of seeds) {
      const { isUsed, ...watched } = watching(spoiler());
      const { findings } = await play(seed, { spoiler: watched });
      found += Number(finding.test(findings.join("\n")));
      whole += Number(!isUsed());
    }
    t.diagnostic(`found in ${found} of ${seeds.length} worlds; ${whole} were too small for it`);
    assert.ok(found + whole >= foundLeast && whole <= tooSmallMost);
  });

/** With whether it has spoiled anything: in a small world there may not be enough to spoil. */
function watching({ raw, rollup }: Spoiler): Spoiler & { isUsed(): boolean } {
  let isUsed = false;
  const seen = <T>(before: T, after: T): T => {
    isUsed ||= after !== before;
    return after;
  };
  return {
    raw: (rows) => seen(rows, raw(rows)),
    rollup: (entries, series) => seen(entries, rollup(entries, series)),
    isUsed: () => isUsed,
  };
}

/** Loses the first row of the third insert, and sees whether its event is stored later all the same. */
function loses(): { readonly raw: Spoiler["raw"]; isStored(): boolean } {
  let lost: string | undefined;
  let stored = false;
  const lose = once<RawRow>((rows) => {
    lost = rows[0]!.event_id;
    return rows.slice(1);
  });
  return {
    raw: (rows) => {
      stored ||= lost !== undefined && rows.some((row) => row.event_id === lost);
      return lose(rows);
    },
    isStored: () => stored,
  };
}

function same<T>(list: T[]): T[] {
  return list;
}

/** The same in every series: of one alone, its rule is mostly changed or deleted before anybody looks. */
function onceInEach<T>(spoil: (list: T[]) => T[]): (list: T[], series: number) => T[] {
  const spoilers = new Map<number, (list: T[]) => T[]>();
  return (list, series) => {
    const spoiler = spoilers.get(series) ?? once(spoil);
    spoilers.set(series, spoiler);
    return spoiler(list);
  };
}

/** Spoils one list that has something to spoil, the third. */
function once<T>(spoil: (list: T[]) => T[]): (list: T[]) => T[] {
  let left = 3;
  return (list) => (list.length > 0 && --left === 0 ? spoil(list) : list);
}
