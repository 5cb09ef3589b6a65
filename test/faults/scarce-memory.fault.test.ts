import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { putRule } from "../support/api.ts";
import { seeded } from "../support/random.ts";
import type { Exit } from "../support/server-process.ts";
import { faultRules } from "./fault-events.ts";
import { diedBeforeReady, faultSeed, Stage } from "./stage.ts";

const reachWithinMs = 300_000;
const args = ["--engine-memory-max", "512MiB"];
/** Nearly every event is a group of its own, whose two states take 300 KB of the engine's memory. */
const heavy = ["payload.item", "payload.amount"].map((field) => ({
  ...{ rule_id: field.replace(".", "_"), window_size: "1s", metric: "top_k", field, group_by: ["user_id"] },
}));

test("batches for which the engine has no memory are counted in parts, once, also by a server that dies between two", async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  await Stage.run(seed, { senders: 4, pauseMs: 300 }, async (stage) => {
    await stage.start({ args });
    await stage.putRules(faultRules);
    for (const rule of heavy) await putRule(stage.server.queryUrl, rule);
    await stage.server.killGroup();
    for (let death = 0; death < 2; death++) await dieBetweenParts(stage, 1 + random.int(3));
    await stage.start({ args });
    await stage.verify(faultRules);
    t.diagnostic(`seed ${seed}: ${JSON.stringify(stage.ledger.summary())}`);
  });
});

/** Events that come while a batch is written make the next one large. */
async function dieBetweenParts(stage: Stage, nth: number): Promise<void> {
  const env = { WEIR_FAILPOINT: `between-parts:${nth}` };
  const server = await stage.start({ args, env }).catch(diedBeforeReady);
  if (server === undefined) return;
  stage.senders.start(server.ingestUrl);
  const exit = await Promise.race([server.exited, pause(reachWithinMs, null, { ref: false })]);
  await stage.senders.stop();
  assert.deepEqual(
    exit,
    { code: null, signal: "SIGKILL" } satisfies Exit,
    `no batch was too large\n${server.output()}`,
  );
}
