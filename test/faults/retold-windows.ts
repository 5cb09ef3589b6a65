import assert from "node:assert/strict";
import { allStats, repeated, untilCounted } from "../support/api.ts";
import type { Retold } from "./retold.ts";

const minutely = { window_size: "1m", group_by: [], active: true };

export const retoldRules = [
  { ...minutely, rule_id: "counted", metric: "count" },
  { ...minutely, rule_id: "summed", metric: "sum", field: "payload.number", decimals: 0 },
];

/** Made when all has been sent, and so from the stored events alone. */
export const filledRules = retoldRules.map((rule) => ({ ...rule, rule_id: `${rule.rule_id}_again` }));

/** Of all these rules, each window has each id once. */
export async function windowsAre(told: Retold, queryUrl: string): Promise<void> {
  for (const { rule_id: id, metric } of [...retoldRules, ...filledRules])
    assert.deepEqual(await windows(queryUrl, id, told), told.expected(metric === "sum"), id);
}

async function windows(queryUrl: string, ruleId: string, { from, to }: Retold): Promise<Map<number, unknown>> {
  const rows = await allStats(queryUrl, ruleId, from, to);
  const found = new Map(rows.map((row) => [Date.parse(String(row["window_start"])), row["value"]]));
  assert.equal(found.size, rows.length);
  return new Map([...found].toSorted(([a], [b]) => a - b));
}

/** Sends one more, and waits for it and all before it. Of millions it takes minutes to look up what was long ago. */
export async function allCounted(ingestUrl: string, last: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const taken = await repeated(`${ingestUrl}/ingest`, { method: "POST", headers, body: JSON.stringify([last]) });
  const { token } = (await taken.json()) as { token: string };
  await untilCounted(ingestUrl, token, 30);
}
