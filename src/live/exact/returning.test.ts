import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";
import type { ExactMessage } from "../../protocol/live.ts";

const newestValue = (message: ExactMessage | undefined): unknown =>
  message !== undefined && "rows" in message && message.rows[0]?.["value"];

/** Somebody was shown 1 and watches no longer; since then it is 999, which nobody has read. */
async function leftDesk() {
  const desk = exactDesk();
  const { clock, client, count, take } = desk;
  count(0, "click", 1);
  const one = client();
  one.watch("clicks");
  await clock.advance(500);
  const [shown] = take(one);
  assert.ok(shown?.type === "snapshot" && newestValue(shown) === 1);
  one.say({ unsubscribe_rules: ["clicks"] });
  count(0, "click", 999);
  return { ...desk, one, shown };
}

test("who comes to a rule that nobody watched for a while is shown what is, not what was", async () => {
  const { clock, client, take } = await leftDesk();
  await clock.advance(50_000);
  const [other, third] = [client(), client()];
  other.watch("clicks");
  third.watch("clicks");
  await clock.advance(200);
  for (const late of [other, third]) {
    const [snapshot, ...more] = take(late);
    assert.deepEqual([snapshot?.type, newestValue(snapshot), more], ["snapshot", 999, []]);
  }
});

test("so is who comes just after one that goes on where it was", async () => {
  const { clock, client, take, one, shown } = await leftDesk();
  await clock.advance(1000);
  const { epoch, seq } = shown;
  one.say({ subscribe_rules: ["clicks"], mode: "delta", resume: { clicks: { epoch, seq } } });
  const other = client();
  other.watch("clicks");
  await clock.advance(500);
  const told = [one, other].map((each) => take(each).map((message) => [message.type, newestValue(message)]));
  assert.deepEqual(told, [[["delta", 999]], [["snapshot", 999]]]);
});

test("while the store is away who comes waits, and then has what is", async () => {
  const { clock, client, store, take } = await leftDesk();
  store.before = () => Promise.reject(new Error("the store is away"));
  await clock.advance(1000);
  const other = client();
  other.watch("clicks");
  await clock.advance(2000);
  assert.deepEqual(take(other), []);
  store.before = async () => {};
  await clock.advance(5000);
  assert.equal(newestValue(take(other)[0]), 999);
});
