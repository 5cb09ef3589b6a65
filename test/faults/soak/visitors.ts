import { setTimeout as pause } from "node:timers/promises";
import { deleteRule, putRule, rulesSettled } from "../../support/api.ts";
import { Watcher } from "../overload/bystanders.ts";

/** Those who come and go; each resolves when `stop` is aborted, with how often it came. */
export type Visitor = (stop: AbortSignal) => Promise<number>;

const firstPushMs = 30_000;

const again =
  (everyMs: number, visit: () => Promise<void>): Visitor =>
  async (stop) => {
    let visits = 0;
    for (; !stop.aborted; visits++) {
      await visit();
      await pause(everyMs, undefined, { signal: stop }).catch(() => {});
    }
    return visits;
  };

/** Opens pages, watches for a while, goes away without a word. */
export const watches = (queryUrl: string, ruleId: string): Visitor =>
  again(200, async () => {
    const watcher = new Watcher(queryUrl, ruleId);
    const end = performance.now() + firstPushMs;
    do await pause(2000);
    while (watcher.pushes === 0 && performance.now() < end);
    if (watcher.pushes === 0) throw new Error(`nothing was pushed of ${ruleId}: ${watcher.closed ?? "still open"}`);
    watcher.close();
  });

/** The same as events of the browser, cut off in the middle. */
export const listens = (queryUrl: string, ruleId: string): Visitor =>
  again(300, async () => {
    const cut = new AbortController();
    const response = await fetch(`${queryUrl}/live-stats?rule_id=${ruleId}`, { signal: cut.signal });
    await response.body?.getReader().read();
    cut.abort();
  });

/** Every kind of question that a dashboard and its operator ask. */
export const asks = (queryUrl: string): Visitor =>
  again(500, async () => {
    for (const path of [
      "stats?rule_id=events_1m&limit=500",
      "events?limit=50",
      "status",
      "metrics",
      "aggregation-rules",
    ]) {
      const response = await fetch(`${queryUrl}/${path}`);
      const text = await response.text();
      if (!response.ok) throw new Error(`/${path}: ${response.status} ${text.slice(0, 300)}`);
    }
  });

/** What is no event, packed and not. */
export const sendsNonsense = (ingestUrl: string): Visitor =>
  again(300, async () => {
    for (const body of ["[", "[{}]", JSON.stringify([{ event_id: "x", timestamp: "tomorrow" }])]) {
      const response = await fetch(`${ingestUrl}/ingest`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      await response.text();
      if (response.status !== 400 && response.status !== 422) throw new Error(`nonsense: ${response.status}`);
    }
  });

/** Makes a rule that keeps little, changes it, and deletes it; its history is filled each time. */
export function edits(queryUrl: string): Visitor {
  const rule = { rule_id: "edited", window_size: "1m", group_by: ["payload.country"], retention: "10m" };
  return again(60_000, async () => {
    await putRule(queryUrl, { ...rule, metric: "count" });
    await rulesSettled(queryUrl, 600_000);
    await putRule(queryUrl, { ...rule, metric: "p90", field: "payload.price" });
    await rulesSettled(queryUrl, 600_000);
    await deleteRule(queryUrl, rule.rule_id);
  });
}
