import assert from "node:assert/strict";
import { test } from "node:test";
import { readLiveRequest } from "./live.ts";

const message = (value: unknown): string => {
  const read = readLiveRequest(typeof value === "string" ? value : JSON.stringify(value));
  return read.ok ? "ok" : `${read.code}: ${read.message}`;
};

test("subscriptions are understood", () => {
  assert.deepEqual(readLiveRequest('{"subscribe_rules":["a"],"unsubscribe_rules":["b"],"interval_ms":50}'), {
    ok: true,
    request: { subscribe_rules: ["a"], unsubscribe_rules: ["b"], interval_ms: 50 },
  });
  assert.equal(message({ unsubscribe_rules: [] }), "ok");
});

test("what is wrong is named", () => {
  assert.equal(message("{"), "invalid_json: the message is not JSON");
  assert.equal(message([]), "invalid_message: the message must be an object");
  assert.equal(message({}), "invalid_message: the message has neither subscribe_rules nor unsubscribe_rules");
  assert.match(message({ subscribe_rule: ["a"] }), /did you mean subscribe_rules\?/);
  assert.match(message({ subscribe_rules: "a" }), /^invalid_message: subscribe_rules must be an array/);
  assert.match(
    message({ subscribe_rules: [7], interval_ms: 1 }),
    /subscribe_rules\[0\] must be a string; interval_ms must be >= 50/,
  );
  assert.match(message({ subscribe_rules: ["a"], mode: "delta" }), /mode must be/);
});
