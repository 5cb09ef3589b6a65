import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { parseRule } from "../rule/parse.ts";
import { type FillWork, eventsLeft, fillWork, nextPiece, withoutRange } from "./fill-work.ts";
import type { Target } from "./ports.ts";

const range = (from: number, to: number, partition = 0): OffsetRange => ({
  src: src(partition),
  from: offset(from),
  to: offset(to),
});
const parsed = parseRule({ rule_id: "r", window_size: "1m", metric: "count" });
assert.ok(parsed.ok);
const { rule } = parsed;
const target = (series: number, activation: Record<number, number>): Target => ({
  rule_id: `r${series}`,
  series,
  rule,
  activation,
  filling: true,
});
const bounds = { positionsMax: 100, rulesMax: 10 };
const start = { src: 0, off: 0 };
const seriesOf = (works: readonly FillWork[] | undefined): number[] | undefined =>
  works?.map((work) => work.target.series);

test("what is left of a fill is what its marks do not cover, on every partition", () => {
  const work = fillWork(target(16, { 1: 50, 0: 30, 2: 0 }), [range(40, 49, 1), range(0, 9), range(0, 19, 1)]);
  assert.deepEqual(work.missing, [range(10, 29), range(20, 39, 1)]);
  assert.deepEqual([work.events, eventsLeft(work)], [80, 40]);
});

test("a range is read once for all that miss it, up to where one of them begins or ends", () => {
  const works = [
    fillWork(target(16, { 0: 250 }), []),
    fillWork(target(17, { 0: 250 }), [range(0, 59)]),
    fillWork(target(18, { 0: 90 }), []),
  ];
  const piece = nextPiece(works, start, bounds);
  assert.deepEqual([piece?.range, seriesOf(piece?.works)], [range(0, 59), [16, 18]]);
  const next = nextPiece(works, { src: 0, off: 60 }, bounds);
  assert.deepEqual([next?.range, seriesOf(next?.works)], [range(60, 89), [16, 17, 18]]);
});

test("the scan goes around: who comes later joins the others where they are", () => {
  const early = withoutRange(fillWork(target(16, { 0: 200 }), []), range(0, 149));
  const late = fillWork(target(17, { 0: 200 }), []);
  const piece = nextPiece([early, late], { src: 0, off: 150 }, bounds);
  assert.deepEqual([piece?.range, seriesOf(piece?.works)], [range(150, 199), [16, 17]]);
  const rest = [early, late].map((work) => withoutRange(work, range(150, 199)));
  assert.deepEqual(nextPiece(rest, { src: 0, off: 200 }, bounds)?.range, range(0, 99));
  assert.equal(nextPiece([], start, bounds), undefined);
});

test("more rules than one statement takes are done one lot after the other", () => {
  let works = [16, 17, 18].map((series) => fillWork(target(series, { 0: 10 }), []));
  const lots: unknown[] = [];
  for (;;) {
    const piece = nextPiece(works, start, { positionsMax: 100, rulesMax: 2 });
    if (piece === undefined) break;
    lots.push(seriesOf(piece.works));
    works = works.map((work) => (piece.works.includes(work) ? withoutRange(work, piece.range) : work));
  }
  assert.deepEqual(lots, [[16, 17], [18]]);
});

test("whatever is marked and wherever the scan stands, every position is done once for every rule", () => {
  const activation = fc.record({ 0: fc.integer({ min: 0, max: 60 }), 1: fc.integer({ min: 0, max: 40 }) });
  const works = fc.array(fc.tuple(activation, fc.array(fc.nat(59), { maxLength: 4 })), { minLength: 1, maxLength: 5 });
  const limits = fc.record({ positionsMax: fc.integer({ min: 1, max: 30 }), rulesMax: fc.integer({ min: 1, max: 4 }) });
  fc.assert(
    fc.property(works, limits, fc.nat(60), (given, most, off) => {
      let open = given.map(([at, marked], index) => {
        const singles = [...new Set(marked)].filter((one) => one < at[0]).map((one) => range(one, one));
        return fillWork(target(16 + index, at), singles);
      });
      let left = open.reduce((sum, work) => sum + eventsLeft(work), 0);
      let cursor = { src: 0, off };
      for (let piece = nextPiece(open, cursor, most); piece; piece = nextPiece(open, cursor, most)) {
        const { range: done, works: sharing } = piece;
        const size = done.to - done.from + 1;
        assert.ok(size <= most.positionsMax && sharing.length <= most.rulesMax && sharing.length > 0);
        open = open.map((work) => (sharing.includes(work) ? withoutRange(work, done) : work));
        left -= size * sharing.length;
        assert.equal(
          open.reduce((sum, work) => sum + eventsLeft(work), 0),
          left,
        );
        cursor = { src: done.src, off: done.to + 1 };
      }
      assert.equal(left, 0);
    }),
  );
});
