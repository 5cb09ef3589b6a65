import assert from "node:assert/strict";
import { test } from "node:test";
import { sentenceOf } from "./words.ts";

test("a rule is told in one sentence", () => {
  const rule = {
    rule_id: "r",
    window_size: "10m",
    metric: "sum",
    field: "payload.price",
    group_by: ["payload.country"],
  };
  assert.equal(sentenceOf(rule), "sum of payload.price by payload.country, every 10m");
  const count = { rule_id: "r", window_size: "1h", metric: "count" };
  assert.equal(sentenceOf(count), "count, every 1h");
  assert.equal(sentenceOf({ ...count, window_size: "1d", timezone: "Asia/Tokyo" }), "count, every 1d, Asia/Tokyo");
  assert.equal(sentenceOf({ ...count, hop: "5m" }), "count, over 1h, every 5m");
  assert.equal(sentenceOf({ ...count, hop: "5m", window_type: "cumulative" }), "count, growing by 5m up to 1h");
});
