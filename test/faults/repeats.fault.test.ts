import assert from "node:assert/strict";
import { test } from "node:test";
import { allStats, putRule, rulesSettled, totals, untilCounted } from "../support/api.ts";
import { Retold } from "./retold.ts";
import { faultSeed, Stage } from "./stage.ts";

/** R12 of the fault matrix: so many different ids, a tenth of which is remembered. */
const ids = Number(process.env["WEIR_IDS"] ?? 100_000);
const remembered = ids / 10;
const deaths = 3;
const senders = 8;

const minutely = { window_size: "1m", group_by: [], active: true };
const rules = [
  { ...minutely, rule_id: "counted", metric: "count" },
  { ...minutely, rule_id: "summed", metric: "sum", field: "payload.number", decimals: 0 },
];
/** Made when all has been sent, and so from the stored events alone. */
const filled = rules.map((rule) => ({ ...rule, rule_id: `${rule.rule_id}_again` }));

test("R12: three of ten events are repeats, of now, of before and of long ago, beside each other and across deaths", async (t) => {
  const seed = faultSeed();
  t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
  await Stage.run(seed, {}, async (stage) => {
    const told = new Retold({ ids, remembered, seed, now: Date.now() });
    for (let life = 0; life <= deaths; life++) {
      const { ingestUrl, queryUrl } = await stage.start({ args: ["--dedupe-ids-max", String(remembered)] });
      if (life === 0) for (const rule of rules) await putRule(queryUrl, rule);
      const sending = Array.from({ length: senders }, () => told.send(ingestUrl));
      const over = Promise.all(sending);
      await Promise.race([over, told.reaches((life + 1) / (deaths + 1))]);
      if (life < deaths) await stage.server.killGroup();
      await over;
    }
    const { ingestUrl, queryUrl } = stage.server;
    await allCounted(ingestUrl, told.event(0));
    for (const rule of filled) await putRule(queryUrl, rule);
    await rulesSettled(queryUrl, 600_000);
    for (const { rule_id, metric } of [...rules, ...filled])
      assert.deepEqual(await windows(queryUrl, rule_id, told), told.expected(metric === "sum"), rule_id);
    const { events, duplicates } = await totals(queryUrl);
    assert.equal(events - duplicates, ids);
    assert.ok(duplicates > 0.4 * ids, `${duplicates} repeats`);
    t.diagnostic(`${ids} ids, ${duplicates} repeats, ${told.unanswered} requests not answered and sent again`);
  });
});

async function windows(queryUrl: string, ruleId: string, { from, to }: Retold): Promise<Map<number, unknown>> {
  const rows = await allStats(queryUrl, ruleId, from, to);
  const found = new Map(rows.map((row) => [Date.parse(String(row["window_start"])), row["value"]]));
  assert.equal(found.size, rows.length);
  return new Map([...found].toSorted(([a], [b]) => a - b));
}

/** Of millions it takes minutes to look up what was long ago. */
async function allCounted(ingestUrl: string, last: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const taken = await fetch(`${ingestUrl}/ingest`, { method: "POST", headers, body: JSON.stringify([last]) });
  const { token } = (await taken.json()) as { token: string };
  await untilCounted(ingestUrl, token, 30);
}
