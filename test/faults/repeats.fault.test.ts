import assert from "node:assert/strict";
import { test } from "node:test";
import { putRule, rulesSettled, totals } from "../support/api.ts";
import { Retold } from "./retold.ts";
import { allCounted, filledRules, retoldRules, windowsAre } from "./retold-windows.ts";
import { faultSeed, Stage } from "./stage.ts";

/** R12 of the fault matrix: so many different ids, a tenth of which is remembered. */
const ids = Number(process.env["WEIR_IDS"] ?? 100_000);
const remembered = ids / 10;
const deaths = 3;
const senders = 8;

test("R12: three of ten events are repeats, of now, of before and of long ago, beside each other and across deaths", async (t) => {
  const seed = faultSeed();
  t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
  await Stage.run(seed, {}, async (stage) => {
    const told = new Retold({ ids, remembered, seed, now: Date.now() });
    for (let life = 0; life <= deaths; life++) {
      const { ingestUrl, queryUrl } = await stage.start({ args: ["--dedupe-ids-max", String(remembered)] });
      if (life === 0) for (const rule of retoldRules) await putRule(queryUrl, rule);
      const sending = Array.from({ length: senders }, () => told.send(ingestUrl));
      const over = Promise.all(sending);
      await Promise.race([over, told.reaches((life + 1) / (deaths + 1))]);
      if (life < deaths) await stage.server.killGroup();
      await over;
    }
    const { ingestUrl, queryUrl } = stage.server;
    await allCounted(ingestUrl, told.event(0));
    for (const rule of filledRules) await putRule(queryUrl, rule);
    await rulesSettled(queryUrl, 600_000);
    await windowsAre(told, queryUrl);
    const { events, duplicates } = await totals(queryUrl);
    assert.equal(events - duplicates, ids);
    assert.ok(duplicates > 0.4 * ids, `${duplicates} repeats`);
    t.diagnostic(`${ids} ids, ${duplicates} repeats, ${told.unanswered} requests not answered and sent again`);
  });
});
