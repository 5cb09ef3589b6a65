import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { postCounted, putRule } from "../support/api.ts";
import { EventWatcher, type LiveWatcher, SocketWatcher } from "../support/live-watcher.ts";
import { sameAsStats, type Watchers } from "../support/same-as-stats.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

/** Windows of now: they end while it is stood still. */
const rules = [
  { rule_id: "all", window_size: "10s", metric: "count", group_by: ["event_type"] },
  { rule_id: "in_time", window_size: "10s", metric: "count", late_policy: "drop" },
  { rule_id: "large", window_size: "1d", metric: "count", group_by: ["user_id"] },
];
const ids = rules.map(({ rule_id: id }) => id);
/** Longer than a client may have a backlog (20 s), go without answering a ping (15 s) or hear nothing (5 s). */
const standstillMs = 21_000;
/** With names of 200 letters, so that a change of `large` has 600 KB. */
const users = 2000;
/** Together 15 MB: more than the system takes for one that does not read, and may wait for it. */
const changes = 25;
const lateEvents = 7;
const patienceMs = 120_000;

describe("who watches exactly, when somebody stands still", () => {
  let server: ServerProcess;
  let dataDir: string;
  let sent = 0;
  const awake: Watchers = { "a socket": new SocketWatcher(ids, {}), "a stream": new EventWatcher(ids) };
  const asleep: Watchers = {
    "a socket that sleeps": new SocketWatcher(ids, {}),
    "a stream that sleeps": new EventWatcher(ids),
  };
  const watchers: Watchers = { ...awake, ...asleep };
  const sleepers = Object.values(asleep);

  const event = (timestamp: number, user_id = "u") => ({
    ...{ event_id: `e${sent++}`, event_type: "click", timestamp, user_id },
  });
  const send = (events: readonly object[]): Promise<void> => postCounted(server.ingestUrl, events);
  /** What is ahead of the clock is in time, however long it takes to get there. */
  const soon = (): number => Date.now() + 5000;
  const equal = (): Promise<void> => sameAsStats(watchers, ids, server.queryUrl, Date.now() + 86_400_000);

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-standstill-"));
    server = await startServer({ dataDir });
    for (const rule of rules) await putRule(server.queryUrl, rule);
    await send([event(soon())]);
    for (const one of Object.values(watchers)) await one.connect(server.queryUrl);
    await equal();
  });
  after(async () => {
    for (const one of Object.values(watchers)) one.drop();
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("a server that stands still cuts nobody off, also who did not read before, and then tells what has ended; what comes too late is left out", async () => {
    await send([event(soon())]);
    await equal();
    const heard = new Map(Object.values(watchers).map((one) => [one, one.messages.length]));
    for (const one of sleepers) one.pause();
    const names = Array.from({ length: users }, (_, index) => `${index} ${"x".repeat(200)}`);
    for (let change = 0; change < changes; change++) await send(names.map((name) => event(soon(), name)));
    process.kill(server.pid, "SIGSTOP");
    const late = send(Array.from({ length: lateEvents }, () => event(Date.now())));
    await pause(standstillMs);
    for (const one of sleepers) one.resume();
    process.kill(server.pid, "SIGCONT");
    await late;
    for (const [name, one] of Object.entries(asleep)) await isReset(one, name);
    await equal();
    for (const [name, one] of Object.entries(watchers)) {
      assert.equal(one.end, "", name);
      assert.ok(sum(one, "in_time") > 0 && sum(one, "all") - sum(one, "in_time") >= lateEvents, name);
    }
    for (const [name, one] of Object.entries(awake)) {
      const kinds = one.messages.slice(heard.get(one)).map(({ type }) => type);
      assert.ok(kinds.includes("final") && !kinds.includes("reset"), `${name}: ${kinds.join()}`);
    }
  });

  /** It was told that it has missed something. */
  async function isReset(one: LiveWatcher, name: string): Promise<void> {
    const isTold = (): boolean =>
      one.messages.some((message) => message.type === "reset" && message.reason === "too_slow");
    for (const deadline = performance.now() + patienceMs; !isTold(); await pause(20))
      assert.ok(one.end === "" && performance.now() < deadline, `${name}: ${one.end || "no reset"}`);
  }
});

const sum = ({ assembler }: LiveWatcher, ruleId: string): number =>
  (assembler.rows(ruleId) ?? []).reduce((total, { value }) => total + Number(value), 0);
