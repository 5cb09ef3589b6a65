import { Hub } from "../../src/live/hub.ts";
import type { LiveLimits } from "../../src/live/limits.ts";
import { LiveClient } from "./live-client.ts";
import { MemoryProgress } from "./memory-progress.ts";
import { MemoryRules } from "./memory-rules.ts";
import { MemoryStore } from "./memory-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";

export const minute = 60_000;

/** A hub over rules and rows that a test sets, with the rule `clicks` of windows of ten minutes. */
export function liveDesk(limits: Partial<LiveLimits> = {}, knowsRules = (): boolean => true) {
  const clock = new SimulatedClock();
  const start = clock.now();
  const store = new MemoryStore();
  const progress = new MemoryProgress();
  const rules = new MemoryRules();
  const series = rules.set({ rule_id: "clicks" });
  const errors: unknown[] = [];
  const live = {
    find: (id: string) => rules.list().find((rule) => rule.rule_id === id),
    answering: rules.answering.bind(rules),
  };
  const hub = new Hub({
    store,
    rules: live,
    progress,
    clock,
    knowsRules,
    process: "test",
    limits,
    onError: (error) => errors.push(error),
  });
  hub.start();
  const connect = (): LiveClient => {
    const client = new LiveClient(clock);
    client.connection = hub.connect(client);
    return client;
  };
  /** Sets a value `windows` windows after the start, as the processor would, and tells of it. */
  const count = (windows: number, group: string | null, value: number, of = series): void => {
    const windowStart = start + windows * 10 * minute;
    store.set(of, { windowStart, group: [group], value });
    progress.touch([windowStart / 1000 + 5]);
  };
  return { clock, store, progress, rules, series, hub, connect, count, errors };
}
