import assert from "node:assert/strict";
import { test } from "node:test";
import { whatIsWrong } from "./faults.ts";
import { isRefusal } from "./sender.ts";

const answer = (apiId: string) => ({ message: "refused", errors: [{ message: apiId, apiId }] });

test("what a broker refuses before it appends was not kept; what it may say behind that is unknown", () => {
  for (const apiId of ["NOT_ENOUGH_REPLICAS", "MESSAGE_TOO_LARGE", "TOPIC_AUTHORIZATION_FAILED"])
    assert.ok(isRefusal(answer(apiId)), apiId);
  for (const apiId of ["NOT_LEADER_OR_FOLLOWER", "UNKNOWN_TOPIC_OR_PARTITION", "NOT_ENOUGH_REPLICAS_AFTER_APPEND"])
    assert.ok(!isRefusal(answer(apiId)), apiId);
  assert.ok(!isRefusal(new Error("socket hang up")));
});

test("a topic that takes no record as large as ours is told with what to do", () => {
  assert.match(whatIsWrong(answer("MESSAGE_TOO_LARGE")).reason, /set max\.message\.bytes of the topic to 1048588/);
});
