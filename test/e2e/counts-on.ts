import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { allStats, postCounted, putRule } from "../support/api.ts";
import { endedInOrder, startServer } from "../support/server-process.ts";
import type { ServerAccess } from "../support/server-store.ts";

/** Weir on a ClickHouse server, with a data folder and more options: it counts there, says so, and has no engine of its own. */
export async function countsOn(
  { url, username, password }: ServerAccess,
  dataDir: string,
  options: readonly string[],
): Promise<void> {
  const args = ["--clickhouse-url", url, "--clickhouse-user", username, ...options];
  const running = await startServer({ dataDir, args, env: { WEIR_CLICKHOUSE_PASSWORD: password } });
  try {
    await putRule(running.queryUrl, { rule_id: "r", window_size: "1h", metric: "count" });
    const timestamp = "2026-01-13T10:20:00Z";
    await postCounted(
      running.ingestUrl,
      ["1", "2", "1"].map((event_id) => ({ event_id, user_id: "u", event_type: "click", timestamp })),
    );
    const day = Date.parse("2026-01-13T00:00:00Z");
    const stats = await allStats(running.queryUrl, "r", day, day + 86_400_000);
    assert.deepEqual(
      stats.map(({ value }) => value),
      [2],
    );
    const status = (await (await fetch(`${running.queryUrl}/status`)).json()) as { parts: { store: object } };
    assert.deepEqual(Object.keys(status.parts.store), ["ok", "detail"]);
    assert.match(
      JSON.stringify(status.parts.store),
      new RegExp(`"ok":true,"detail":"ClickHouse \\d+\\.\\d+[\\d.]* at ${url}`),
    );
    assert.equal(existsSync(join(dataDir, "engine")), false);
    assert.equal((await fetch(`${running.queryUrl}/ready`)).ok, true);
    await endedInOrder(running);
  } finally {
    await running.killGroup();
  }
}
