import assert from "node:assert/strict";
import { test } from "node:test";
import { readLiveRequest } from "./live-request.ts";

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
  assert.match(message({ subscribe_rules: ["a"], mode: "exact" }), /mode must be one of plain, delta/);
});

test("the mode delta takes from and resume", () => {
  const resume = { a: { epoch: "x", seq: 7 } };
  assert.deepEqual(
    readLiveRequest(JSON.stringify({ subscribe_rules: ["a"], mode: "delta", from: "1970-01-01T00:00:01Z", resume })),
    {
      ok: true,
      request: { subscribe_rules: ["a"], mode: "delta", from: "1970-01-01T00:00:01Z", resume },
      from: 1000,
    },
  );
  assert.match(
    message({ subscribe_rules: ["a"], mode: "delta", from: "yesterday" }),
    /from "yesterday" must be RFC 3339/,
  );
  for (const from of ["-5", "253402300800000", "1969-12-31T23:59:59Z", "9999-12-31T23:00:00-01:00"])
    assert.match(message({ subscribe_rules: ["a"], mode: "delta", from }), /, between 1970 and 9999$/, from);
  assert.match(message({ subscribe_rules: ["a"], from: "0" }), /from needs "mode":"delta"/);
  assert.match(message({ subscribe_rules: ["a"], resume }), /resume needs "mode":"delta"/);
  assert.match(
    message({ subscribe_rules: ["b"], mode: "delta", resume }),
    /resume names "a", which subscribe_rules does not/,
  );
  assert.match(
    message({ subscribe_rules: ["a"], mode: "delta", resume: { a: { seq: "7" } } }),
    /resume\.a.* must look as/,
  );
  assert.match(message({ subscribe_rules: ["a"], mode: "delta", resume: { a: 7 } }), /resume\.a must look as here/);
});
