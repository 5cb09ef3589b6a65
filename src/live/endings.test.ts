import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../test/support/exact-desk.ts";

/** A desk whose client has more of its snapshot to read than may wait. */
async function behind(limits = {}) {
  const desk = exactDesk({ backlogBytesMax: 2000, ...limits });
  for (let windows = -30; windows <= 0; windows++) desk.count(windows, "click", 1);
  const one = desk.client();
  one.watch("clicks");
  await desk.clock.advance(300);
  const said = () =>
    desk.take(one).map((message) => ("code" in message ? [message.code, message.rule_id] : message.type));
  return { ...desk, one, said };
}

test("who subscribes while he reads a snapshot is told of his mistakes when he has read it", async () => {
  const { clock, one, said } = await behind();
  one.say({ subscribe_rules: ["typo"], mode: "delta" });
  one.say({ subscribe_rules: ["typo", "nope"] });
  one.say({ subscribe_rules: [], interval_ms: 1 });
  await clock.advance(300);
  assert.deepEqual(said(), ["snapshot"]);
  await clock.advance(300);
  assert.deepEqual(said(), [
    ["unknown_rule", "typo"],
    ["unknown_rule", "nope"],
    ["invalid_message", undefined],
  ]);
  await clock.advance(300);
  assert.deepEqual(said(), []);
});

test("a rule that there is when it is subscribed again is not refused any more", async () => {
  const { clock, one, said, rules } = await behind();
  one.say({ subscribe_rules: ["typo"], mode: "delta" });
  rules.set({ rule_id: "typo" });
  one.assembler.subscribe("typo");
  one.say({ subscribe_rules: ["typo"], mode: "delta" });
  said();
  await clock.advance(300);
  assert.deepEqual(said(), ["snapshot"]);
});

test("what a client that does not read is to be told has a bound", async () => {
  const { one } = await behind({ subscriptionsMax: 5 });
  const say = (count: number) =>
    one.say({ subscribe_rules: Array.from({ length: count }, (_, rule) => `r${rule}`), mode: "delta" });
  say(5);
  assert.equal(one.closedFor, undefined);
  say(6);
  assert.equal(one.closedFor, "too_slow");
});
