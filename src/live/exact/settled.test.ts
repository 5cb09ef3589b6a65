import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";

test("one client that does not read does not have all others looked at until he does", async () => {
  const { clock, connect, count } = exactDesk({ sweepMs: 60_000, heartbeatMs: 5000 });
  count(0, "click", 1);
  const [slow, other] = [connect(), connect()];
  for (const one of [slow, other]) one.say({ subscribe_rules: ["clicks"], mode: "delta", interval_ms: 50 });
  await clock.advance(500);
  slow.backlog = 300_000;
  count(0, "click", 2);
  await clock.advance(500);
  const kinds = (one: typeof slow): unknown[] => one.take().map(({ type }) => type);
  assert.deepEqual([kinds(slow), kinds(other)], [["snapshot"], ["snapshot", "delta"]]);
  let looks = 0;
  other.bufferedBytes = () => ((looks += 1), 0);
  await clock.advance(2000);
  assert.equal(looks, 0);
  slow.backlog = 0;
  // He is told within two ticks, and the others are looked at when it is time for a heartbeat.
  await clock.advance(50);
  assert.deepEqual([kinds(slow).length > 0, looks], [true, 0]);
  await clock.advance(5000);
  assert.deepEqual([kinds(slow), kinds(other)], [["heartbeat"], ["heartbeat"]]);
});
