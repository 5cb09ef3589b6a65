import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { allStats, eraseEvents, erasuresDone, postCounted, putRule, rulesSettled } from "../support/api.ts";
import type { ExactMessage } from "../../src/protocol/live.ts";
import { EventWatcher, SocketWatcher } from "../support/live-watcher.ts";
import { engineOf } from "../support/processes.ts";
import { sameAsStats, type Watchers } from "../support/same-as-stats.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

const start = Date.UTC(2026, 0, 13, 10);
const types = ["click", "view", "purchase", "return", "visit"];
const event = (index: number) => ({
  event_id: `e${index}`,
  user_id: `u${index % 13}`,
  event_type: types[(index * 7) % types.length]!,
  timestamp: start + ((index * 37) % 1800) * 1000,
  payload: { price: index % 100 },
});

const rules = [
  { rule_id: "all", window_size: "1m", metric: "count", group_by: ["event_type"] },
  { rule_id: "most", window_size: "10m", metric: "sum", field: "payload.price", group_by: ["user_id"], top_n: 3 },
  { rule_id: "bounded", window_size: "5m", metric: "count", group_by: ["user_id"], max_groups: 4 },
  { rule_id: "hops", window_size: "10m", hop: "5m", window_type: "hopping", metric: "p90", field: "payload.price" },
  { rule_id: "grows", window_size: "30m", hop: "10m", window_type: "cumulative", metric: "count" },
  {
    rule_id: "many",
    window_size: "5m",
    metric: "count",
    group_by: ["event_type"],
    having: "value > 5",
  },
];
const ids = rules.map(({ rule_id: id }) => id);
const patienceMs = 120_000;

describe("the exact protocol on a real server", () => {
  let server: ServerProcess;
  let dataDir: string;
  let sent = 0;
  const watchers: Watchers = {
    "a socket": new SocketWatcher(ids, {}),
    "a socket from the beginning": new SocketWatcher(ids, { from: "0" }),
    "a stream of events": new EventWatcher(ids),
  };
  const all = Object.values(watchers);

  const send = (count = 300): Promise<void> =>
    postCounted(
      server.ingestUrl,
      Array.from({ length: count }, () => event(sent++)),
    );
  const patch = async (ruleId: string, body: object): Promise<void> => {
    const answer = await fetch(`${server.queryUrl}/aggregation-rule/${ruleId}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  const connect = (): Promise<unknown> => Promise.all(all.map((one) => one.connect(server.queryUrl)));
  const drop = (): void => all.forEach((one) => one.drop());

  const equal = (): Promise<void> => sameAsStats(watchers, ids, server.queryUrl, start + 86_400_000);

  /** Windows of today close while the test runs; those with events have long been closed. */
  const isOfTheClock = (message: ExactMessage): boolean =>
    message.type === "heartbeat" || (message.type === "final" && Date.parse(message.window_start) > start + 86_400_000);

  /** What came of a rule to each since it connected: the kinds of messages that the clock alone did not bring. */
  const came = (id: string): string[][] =>
    all.map(({ messages }) =>
      messages
        .filter((message) => "rule_id" in message && message.rule_id === id && !isOfTheClock(message))
        .map((message) => (message.type === "reset" ? `reset ${message.reason}` : message.type)),
    );

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-live-"));
    server = await startServer({ dataDir });
    for (const rule of rules) await putRule(server.queryUrl, rule);
    await send();
    await connect();
  });
  after(async () => {
    drop();
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("a snapshot, and what comes in, late as it is", async () => {
    await equal();
    for (let round = 0; round < 5; round++) await send(100);
    await equal();
    for (const id of ids) for (const kinds of came(id)) assert.equal(kinds[0], "snapshot");
  });

  test("who comes back gets what is missing and no more", async () => {
    drop();
    // One window of one rule.
    await postCounted(server.ingestUrl, [{ ...event(sent++), timestamp: start + 61_000 }]);
    await connect();
    await equal();
    for (const kinds of came("all")) assert.deepEqual(kinds, ["delta"]);
    for (const { messages } of all) {
      const delta = messages.find((message) => message.type === "delta" && message.rule_id === "all");
      assert.ok(delta?.type === "delta");
      assert.deepEqual(new Set(delta.rows.map((row) => row.window_start)), new Set(["2026-01-13T10:01:00Z"]));
    }
  });

  test("the engine dies", async () => {
    process.kill(await engineOf(server.pid), "SIGKILL");
    await send();
    await equal();
    for (const id of ids) for (const kinds of came(id)) assert.ok(!kinds.some((kind) => kind.startsWith("reset")), id);
  });

  test("a rule changes, is paused and goes on; a person is erased", async () => {
    await connectAnew();
    await putRule(server.queryUrl, { ...rules[0], metric: "sum", field: "payload.price" });
    await rulesSettled(server.queryUrl);
    await send(100);
    await equal();
    for (const kinds of came("all")) assert.ok(kinds.join().includes("reset rule_changed,snapshot"), kinds.join());
    for (const kinds of came("grows")) assert.ok(!kinds.join().includes("reset"), kinds.join());

    await patch("most", { active: false });
    await send(100);
    await equal();
    await patch("most", { active: true });
    await rulesSettled(server.queryUrl);
    await equal();

    await connectAnew();
    await eraseEvents(server.queryUrl, "user_id=u5&user_id=u6");
    await erasuresDone(server.queryUrl);
    await rulesSettled(server.queryUrl);
    await equal();
    for (const kinds of came("bounded")) assert.ok(kinds.join().includes("reset rebuilt,snapshot"), kinds.join());
  });

  test("windows go when they are kept no longer", async () => {
    await connectAnew();
    // A second longer than the last window is old: it goes while it is watched.
    const age = Math.ceil((Date.now() - (start + 1800_000)) / 1000) + 5;
    await patch("bounded", { retention: `${age}s` });
    await equal();
    await until(async () => (await allStats(server.queryUrl, "bounded", start, start + 86_400_000)).length === 0);
    await equal();
    assert.deepEqual(
      all.map(({ assembler }) => assembler.rows("bounded")),
      [[], [], []],
    );
  });

  test("everything is killed: whoever comes back begins anew", async () => {
    await server.killGroup();
    drop();
    server = await startServer({ dataDir });
    await connect();
    await equal();
    for (const kinds of came("grows")) assert.deepEqual(kinds.slice(0, 2), ["reset resume_too_old", "snapshot"]);
    await send(100);
    await equal();
  });

  async function connectAnew(): Promise<void> {
    drop();
    await connect();
    await equal();
  }
});

async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error("what was waited for did not come");
    await pause(50);
  }
}
