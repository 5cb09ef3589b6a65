import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { erasuresDone, eraseEvents, putRule } from "../support/api.ts";
import { signalEngines } from "../support/processes.ts";
import { type Random, seeded } from "../support/random.ts";
import { FaultEvents, faultRules } from "./fault-events.ts";
import type { FaultRule } from "./recompute.ts";
import { diedBeforeReady, faultSeed, Stage } from "./stage.ts";

/**
 * Where the server dies, one after the other, each time beginning with what the death before has left. The places of an
 * erasure are passed once for each that is noted, then once when the raw rows are gone, once when the rules are begun anew,
 * and once when the disk is cleared.
 */
const deaths = (random: Random): readonly string[] => [
  `mid-erasure:${1 + random.int(4)}`,
  `mid-erasure:${1 + random.int(2)}`,
  "before-switch:1",
  "mid-erasure:1",
];
const diesWithinMs = 300_000;
const made: FaultRule = { ...faultRules[0]!, rule_id: "made_meanwhile" };

test("an erasure goes on wherever everything dies, and what is left is counted as if the erased had never come", async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  await Stage.run(seed, { senders: 2, requestEventsMax: 100, retryShare: 1 }, async (stage) => {
    await stage.start();
    await stage.putRules(faultRules);
    stage.senders.start(stage.server.ingestUrl);
    await Promise.all([pause(500), stage.untilAcknowledged(150)]);
    await stage.senders.stop();
    const [users, eventId] = chosen(stage, random);
    const expected = await eraseAll(stage, users, eventId);
    const places = deaths(random);
    for (const place of places) await dieAt(stage, place, random);
    await stage.start();
    await stage.putRules([made]);
    const erasures = await erasuresDone(stage.server.queryUrl);
    assert.equal(erasures.length, 2);
    assert.ok(erasures.every(({ events }) => events !== null && events > 0 && events <= expected));
    await stage.verify([...faultRules, made]);
    t.diagnostic(
      `seed ${seed}: ${erasures.map(({ events }) => events).join(" and ")} erased, died at ${places.join(", ")}; ${JSON.stringify(stage.ledger.summary())}`,
    );
  });
});

/** Some users, and an event of somebody else. */
function chosen(stage: Stage, random: Random): [users: ReadonlySet<string>, eventId: string] {
  const events = [...stage.ledger.entries()].filter(({ acknowledged }) => acknowledged).map(({ event }) => event);
  assert.ok(events.length > 100, "there is something to erase");
  const users = new Set(Array.from({ length: 40 }, () => random.pick(events).user_id));
  const other = events.find((event) => !users.has(event.user_id));
  assert.ok(other);
  return [users, other.event_id];
}

/** Answers how many events may go at most, and stops the server. */
async function eraseAll(stage: Stage, users: ReadonlySet<string>, eventId: string): Promise<number> {
  const { queryUrl, pid } = stage.server;
  // Without an engine none is begun before everything is killed.
  await signalEngines(pid, "SIGSTOP");
  await Promise.all([
    eraseEvents(queryUrl, [...users].map((user) => `user_id=${user}`).join("&")),
    eraseEvents(queryUrl, `event_id=${eventId}`),
  ]);
  await stage.server.killGroup();
  return stage.ledger.erased((event) => users.has(event.user_id) || event.event_id === eventId);
}

async function dieAt(stage: Stage, place: string, random: Random): Promise<void> {
  const server = await stage.start({ env: { WEIR_FAILPOINT: place } }).catch(diedBeforeReady);
  if (server === undefined) return;
  // It may die before it answers; the rule is asked for again after the last restart.
  void putRule(server.queryUrl, made).catch(() => undefined);
  const sending = sendSome(stage, server.ingestUrl, random.int(2 ** 31));
  const exit = await Promise.race([server.exited, pause(diesWithinMs, null, { ref: false })]);
  await sending;
  assert.equal(exit?.signal, "SIGKILL", `${place} was not reached\n${server.output()}`);
}

/** New events, which nobody erases, as long as the server lives; each request once. */
async function sendSome(stage: Stage, ingestUrl: string, seed: number): Promise<void> {
  const events = new FaultEvents(seed, Date.now());
  for (;;) {
    const some = Array.from({ length: 20 }, () => ({ ...events.make(), user_id: "stays" }));
    stage.ledger.sent(some);
    const body = JSON.stringify(some);
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${ingestUrl}/ingest`, { method: "POST", headers, body }).catch(() => undefined);
    stage.ledger.settled(some, answer === undefined ? "unknown" : answer.ok ? "acknowledged" : "refused");
    if (answer === undefined) return;
    await pause(20);
  }
}
