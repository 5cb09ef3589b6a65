import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../lib/errors.ts";
import { Portion } from "./portion.ts";

const bytes = new WeirError("invalid_query", "too many bytes");
const time = new WeirError("timeout", "too long");
const most = (portion: Portion): number[] => [portion.windows(60), portion.rows(5000)];

test("a reading that took too much is tried with a tenth, then a hundredth; then it is too large", () => {
  const portion = new Portion();
  assert.deepEqual([portion.failed(bytes), most(portion)], [false, [6, 500]]);
  assert.deepEqual([portion.failed(bytes), most(portion)], [false, [1, 50]]);
  assert.equal(portion.failed(bytes), true);
});

test("pages of fewer rows are no help against time and memory", () => {
  const portion = new Portion();
  portion.failed(time);
  portion.failed(new WeirError("too_costly", "too much memory"));
  assert.deepEqual(most(portion), [1, 5000]);
  assert.equal(portion.failed(time), true);
});

test("a store that is away has not read too much", () => {
  const portion = new Portion();
  for (let failure = 0; failure < 10; failure++)
    for (const error of [new Error("away"), new WeirError("store_unavailable", "away")])
      assert.equal(portion.failed(error), false);
  assert.deepEqual(most(portion), [60, 5000]);
});

test("after twenty readings that went well all is asked for again", () => {
  const portion = new Portion();
  portion.failed(bytes);
  for (let well = 1; well < 20; well++) portion.worked();
  assert.deepEqual([portion.isLess, most(portion)], [true, [6, 500]]);
  portion.worked();
  assert.deepEqual([portion.isLess, most(portion)], [false, [60, 5000]]);
});
