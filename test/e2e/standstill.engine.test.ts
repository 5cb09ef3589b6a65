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
/** With names of 200 letters, so that a change of `large` has 2.4 MB. */
const users = 8000;
/** Together 9 MB: more than the system takes for one that does not read, and may wait for it. */
const changes = 4;
/** Who has not read for fifteen seconds is cut off for it. His last answer to a ping may be nine seconds older, if it is not waited for. */
const unreadMsMax = { atOnce: 3_000, afterPing: 9_000 };
const lateEvents = 7;
const patienceMs = 120_000;

describe("who watches exactly, when somebody stands still", () => {
  let server: ServerProcess;
  let dataDir: string;
  let sent = 0;
  const awake: Watchers = { "a socket": new SocketWatcher(ids, {}), "a stream": new EventWatcher(ids) };
  const sleeper = new SocketWatcher(ids, {});
  const asleep: Watchers = {
    "a socket that sleeps": sleeper,
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
    // A busy machine makes so many changes too slowly now and then.
    let heard = await stoodStillBehindChanges(unreadMsMax.atOnce);
    for (let time = 1; heard === undefined; time++) {
      assert.ok(time < 8, "changes take too long");
      await sleeper.pinged();
      heard = await stoodStillBehindChanges(unreadMsMax.afterPing);
    }
    const late = send(Array.from({ length: lateEvents }, () => event(Date.now())));
    await pause(standstillMs);
    for (const one of sleepers) one.resume();
    process.kill(server.pid, "SIGCONT");
    await late;
    for (const [name, one] of Object.entries(asleep)) await isReset(one, name, heard.get(one)!);
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

  /**
   * The server stands still behind changes that sleepers have not read. How many messages each had heard before; undefined, and
   * all is as before, where it took so long that sleepers may have been cut off.
   */
  async function stoodStillBehindChanges(withinMs: number): Promise<Map<LiveWatcher, number> | undefined> {
    const heard = new Map(Object.values(watchers).map((one) => [one, one.messages.length]));
    const names = Array.from({ length: users }, (_, index) => `${index} ${"x".repeat(200)}`);
    const from = performance.now();
    for (const one of sleepers) one.pause();
    for (let change = 0; change < changes; change++) await send(names.map((name) => event(soon(), name)));
    process.kill(server.pid, "SIGSTOP");
    if (performance.now() - from < withinMs) return heard;
    process.kill(server.pid, "SIGCONT");
    for (const one of sleepers) one.drop();
    for (const one of sleepers) await one.connect(server.queryUrl);
    await equal();
    return undefined;
  }

  /** It was told that it has missed something, since it had heard so many messages. */
  async function isReset(one: LiveWatcher, name: string, heard: number): Promise<void> {
    const isTold = (): boolean =>
      one.messages.slice(heard).some((message) => message.type === "reset" && message.reason === "too_slow");
    for (const deadline = performance.now() + patienceMs; !isTold(); await pause(20))
      assert.ok(one.end === "" && performance.now() < deadline, `${name}: ${one.end || "no reset"}`);
  }
});

const sum = ({ assembler }: LiveWatcher, ruleId: string): number =>
  (assembler.rows(ruleId) ?? []).reduce((total, { value }) => total + Number(value), 0);
