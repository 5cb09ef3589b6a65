import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { erasuresDone } from "../support/api.ts";
import { unlessMissing } from "../support/needs.ts";
import { type Random, seeded } from "../support/random.ts";
import { whyNoStrace } from "../support/strace.ts";
import type { Made } from "../support/trace-text.ts";
import { Editor } from "./editor.ts";
import { faultRules } from "./fault-events.ts";
import { rulesThere } from "./rules-there.ts";
import { faultSeed, Stage } from "./stage.ts";
import { troubleSyncs } from "./syncs.ts";
import { serverFiles } from "./syscalls.ts";

const needs = unlessMissing(whyNoStrace());

test(
  "R4: a rule whose sync fails is as it was or as it was asked to be, and counts what it has to",
  needs,
  async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    await Stage.run(seed, { senders: 2, requestEventsMax: 100 }, async (stage) => {
      const editor = new Editor(seeded(seed + 1), ["a", "b", "c"], faultRules);
      const failed: number[] = [];
      for (const isKilled of [true, false]) {
        await stage.start();
        failed.push(await failEdits(stage, editor, random, isKilled));
      }
      const rules = await rulesThere(stage, stage.server);
      assert.deepEqual(editor.check(rules), []);
      await stage.verify([...rules.values()]);
      t.diagnostic(`seed ${seed}: ${failed.join(" and ")} syncs failed, ${JSON.stringify(editor.done)} all the same`);
    });
  },
);

/** @returns how many syncs failed. */
async function failEdits(stage: Stage, editor: Editor, random: Random, isKilled: boolean): Promise<number> {
  const { server, senders, dataDir } = stage;
  const files = serverFiles(dataDir).filter((name) => name.includes("rules.sqlite"));
  const when = `${1 + random.int(2)}+${2 + random.int(3)}`;
  const tracing = await troubleSyncs(server.pid, { files, when, error: "EIO" });
  senders.start(server.ingestUrl);
  editor.start(server.queryUrl);
  const before = editor.refused;
  await pause(2_500);
  // A busy machine lets few rules be edited in so short a time.
  for (const end = performance.now() + 120_000; editor.refused === before; await pause(20))
    assert.ok(performance.now() < end, "no change of a rule was refused");
  if (isKilled) await server.killGroup();
  await Promise.all([senders.stop(), editor.stop()]);
  const failed = refusedOf((await (isKilled ? tracing.ended : tracing.detach())).made);
  assert.ok(failed > 0, "no sync of the rules failed");
  return failed;
}

test("R4: an erasure whose sync fails is done if it is known", needs, async (t) => {
  const seed = faultSeed();
  await Stage.run(seed, { senders: 2, requestEventsMax: 100 }, async (stage) => {
    const { pid, ingestUrl, queryUrl } = await stage.start();
    await stage.putRules(faultRules);
    stage.senders.start(ingestUrl);
    await Promise.all([pause(500), stage.untilAcknowledged(10)]);
    await stage.senders.stop();
    const files = serverFiles(stage.dataDir).filter((name) => name.includes("erasures.sqlite"));
    const users = [...stage.ledger.entries()].slice(0, 3).map(({ event }) => event.user_id);
    const refused: number[] = [];
    // Noting one takes three syncs, each of which fails once; then some of those for the steps behind it.
    for (const [at, user] of users.entries()) {
      const tracing = await troubleSyncs(pid, { files, when: String(at + 1), error: "EIO" });
      refused.push(await eraseInTheEnd(queryUrl, user));
      await tracing.detach();
    }
    const tracing = await troubleSyncs(pid, { files, when: "2+11", error: "EIO" });
    const done = await erasuresDone(queryUrl);
    const failed = refusedOf((await tracing.detach()).made);
    assert.ok(
      done.length >= users.length && refused[0] === 1,
      `${done.length} erasures, refused ${refused.join(", ")} times`,
    );
    stage.ledger.erased(({ user_id: user }) => users.includes(user));
    await stage.verify(faultRules);
    t.diagnostic(
      `seed ${seed}: ${refused.join(", ")} requests for ${done.length} erasures were refused, ${failed} syncs failed after`,
    );
  });
});

/** @returns how often it was refused before. */
async function eraseInTheEnd(queryUrl: string, user: string): Promise<number> {
  for (let refused = 0; refused < 20; refused++) {
    const response = await fetch(`${queryUrl}/events?user_id=${user}`, { method: "DELETE" });
    const text = await response.text();
    if (response.ok) return refused;
    assert.match(`${response.status} ${text}`, /^503 .*"registry_unavailable"/);
  }
  assert.fail("an erasure was refused 20 times");
}

const refusedOf = (made: readonly Made[]): number => made.filter(({ refused }) => refused).length;
