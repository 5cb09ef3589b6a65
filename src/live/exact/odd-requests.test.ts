import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";

const kinds = (messages: readonly { type: string }[]): string[] => messages.map(({ type }) => type);

test("a rule whose name every object has as a key is a rule as any other", async () => {
  const { clock, client, take, rules } = exactDesk();
  for (const rule_id of ["constructor", "__proto__"]) {
    rules.set({ rule_id });
    const one = client();
    one.watch(rule_id);
    await clock.advance(100);
    assert.deepEqual(kinds(take(one)), ["snapshot"]);
  }
});

test("a place in the future, or beyond all numbers, is not known", async () => {
  const { clock, client, take, count } = exactDesk();
  count(0, "click", 1);
  const one = client();
  one.watch("clicks");
  await clock.advance(300);
  const [snapshot] = take(one);
  assert.ok(snapshot?.type === "snapshot");
  for (const seq of [snapshot.seq + 1, Number.MAX_SAFE_INTEGER, 1e300]) {
    one.assembler.subscribe("clicks");
    one.say({ subscribe_rules: ["clicks"], mode: "delta", resume: { clicks: { epoch: snapshot.epoch, seq } } });
    await clock.advance(300);
    assert.deepEqual(kinds(take(one)), ["reset", "snapshot"], String(seq));
  }
});

test("who subscribes and unsubscribes all the time gets no more than the last asks for, and others what changes", async () => {
  const { clock, client, connect, take, count, store } = exactDesk();
  count(0, "click", 1);
  const quiet = client();
  quiet.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  take(quiet);
  const noisy = connect();
  let reads = 0;
  store.before = async () => void (reads += 1);
  for (let turn = 0; turn < 300; turn++) {
    noisy.say({ subscribe_rules: ["clicks", "clicks"], mode: turn % 2 === 0 ? "delta" : "plain" });
    noisy.say({ unsubscribe_rules: ["clicks", "clicks"] });
    noisy.say({ subscribe_rules: ["clicks"], unsubscribe_rules: ["clicks"], mode: "delta" });
  }
  const heard = (): unknown[] => noisy.take().map(({ type }) => type);
  assert.deepEqual(heard(), []);
  await clock.advance(500);
  assert.deepEqual([heard(), take(quiet)], [["snapshot"], []]);
  count(0, "click", 2);
  await clock.advance(500);
  assert.deepEqual([heard(), kinds(take(quiet))], [["delta"], ["delta"]]);
  assert.ok(reads <= 4, `${reads} reads`);
});
