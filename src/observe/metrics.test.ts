import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { createMetrics, declaredMetrics } from "./metrics.ts";

test("says all that is declared once something has happened, each with its help", async () => {
  const metrics = createMetrics(systemClock);
  metrics.ingest.accepted(10);
  metrics.ingest.refused(2);
  metrics.http.answered({ route: "/ingest", method: "POST", status: 429, seconds: 0.01 });
  metrics.processor.batch({ events: 8, duplicates: 2, bytes: 999 });
  metrics.processor.stage("raw", 0.02);
  metrics.live.pushed(3, 1200);
  metrics.watch({ lagSeconds: () => 1.5, engineUp: () => 1 });
  const text = await metrics.text();
  for (const { name, help } of Object.values(declaredMetrics))
    assert.ok(text.includes(`# HELP ${name} ${help}\n`), name);
  assert.match(text, /^weir_ingest_accepted_events_total 10$/m);
  assert.match(text, /^weir_http_requests_total\{route="\/ingest",method="POST",status="4xx"\} 1$/m);
  assert.match(text, /^weir_duplicate_events_total 2$/m);
  assert.match(text, /^weir_batch_stage_seconds_count\{stage="raw"\} 1$/m);
  assert.match(text, /^weir_lag_seconds 1.5$/m);
  assert.match(text, /^process_cpu_seconds_total/m);
});

test("a gauge without a source has no value, one whose source fails keeps its last", async () => {
  const metrics = createMetrics(systemClock);
  assert.doesNotMatch(await metrics.text(), /^weir_lag_seconds \d/m);
  let fails = false;
  metrics.watch({
    lagSeconds: () => {
      if (fails) throw new Error("away");
      return 7;
    },
    rejects: () => (fails ? Promise.reject(new Error("away")) : Promise.resolve(3)),
  });
  assert.match(await metrics.text(), /^weir_lag_seconds 7$[^]*^weir_rejects 3$/m);
  fails = true;
  assert.match(await metrics.text(), /^weir_lag_seconds 7$[^]*^weir_rejects 3$/m);
});

test("two processes' worth of metrics live side by side", () => {
  createMetrics(systemClock);
  createMetrics(systemClock);
});
