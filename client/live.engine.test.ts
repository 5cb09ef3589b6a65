import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { postCounted } from "../test/support/api.ts";
import { type MovingAddress, openMovingAddress } from "../test/support/moving-address.ts";
import { type ServerProcess, startServer } from "../test/support/server-process.ts";
import {
  type LiveOptions,
  type LiveState,
  type Rule,
  type StatsRow,
  type Subscription,
  Weir,
  WeirError,
} from "./src/weir.ts";

const start = Date.UTC(2026, 0, 13, 10);
const event = (index: number) => ({
  event_id: `e${index}`,
  user_id: `u${index % 13}`,
  event_type: ["click", "view", "purchase"][(index * 7) % 3]!,
  timestamp: start + ((index * 37) % 1800) * 1000,
  payload: { price: index % 100 },
});

const rules: readonly Rule[] = [
  { rule_id: "all", window_size: "1m", metric: "count", group_by: ["event_type"] },
  { rule_id: "most", window_size: "10m", metric: "sum", field: "payload.price", group_by: ["user_id"], top_n: 3 },
  { rule_id: "grows", window_size: "30m", hop: "10m", window_type: "cumulative", metric: "count" },
];
const ways: Readonly<Record<string, LiveOptions>> = {
  "a socket": { intervalMs: 50 },
  "a socket from the beginning": { intervalMs: 50, from: 0 },
  "a stream of events": { intervalMs: 50, over: "events" },
};
const patienceMs = 120_000;

describe("following live a real server", () => {
  let server: ServerProcess;
  let dataDir: string;
  let address: MovingAddress;
  let weir: Weir;
  let sent = 0;
  const heard: LiveState[] = [];
  const subscriptions: { readonly name: string; readonly rule: string; readonly subscription: Subscription }[] = [];

  const send = (count = 200): Promise<void> =>
    postCounted(
      server.ingestUrl,
      Array.from({ length: count }, () => event(sent++)),
    );

  /** What every subscriber has of every rule is what `/stats` answers. */
  async function compare(): Promise<void> {
    for (const { name, rule, subscription } of subscriptions) {
      const { status, from = "", rows } = subscription.state;
      assert.equal(status, "live", `${name}, ${rule}`);
      const answered: StatsRow[] = [];
      for await (const row of weir.stats.rows({ rule, from, to: start + 86_400_000 })) answered.push(row);
      assert.deepEqual(rows, answered, `${name}, ${rule}`);
    }
  }

  async function equal(): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const failure = await compare().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (performance.now() > deadline) throw failure;
      await pause(200);
    }
  }

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-client-live-"));
    server = await startServer({ dataDir });
    address = await openMovingAddress(server.queryUrl);
    weir = new Weir({ ingestUrl: server.ingestUrl, queryUrl: address.url, livePace: { firstMs: 50, mostMs: 500 } });
    for (const rule of rules) await weir.rules.put(rule);
    await send();
    for (const [name, options] of Object.entries(ways))
      for (const { rule_id: rule } of rules)
        subscriptions.push({ name, rule, subscription: weir.subscribe(rule, (state) => heard.push(state), options) });
  });
  after(async () => {
    weir.close();
    await address.close();
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("a snapshot, and what comes in", async () => {
    await equal();
    for (let round = 0; round < 3; round++) await send(100);
    await equal();
    assert.ok(heard.length >= subscriptions.length);
  });

  test("lines are cut while events come in", async () => {
    for (let round = 0; round < 5; round++) {
      address.cut();
      await send(50);
    }
    await equal();
  });

  test("the server is killed, and comes back elsewhere", async () => {
    for (let round = 0; round < 2; round++) {
      await server.killGroup();
      address.cut();
      server = await startServer({ dataDir });
      address.leadTo(server.queryUrl);
      await send(50);
      await equal();
    }
  });

  test("a rule changes, and another is deleted", async () => {
    const { version } = await weir.rules.patch("all", { having: "value > 2" });
    // Until it is filled the version before answers, with the same rows perhaps.
    const changed = subscriptions.filter(({ rule }) => rule === "all");
    await until(() => changed.every(({ subscription }) => subscription.state.version === version));
    await equal();
    await weir.rules.delete("grows");
    const gone = subscriptions.filter(({ rule }) => rule === "grows");
    await until(() => gone.every(({ subscription }) => subscription.state.status === "ended"));
    assert.deepEqual(
      gone.map(({ subscription }) => subscription.state.error?.code),
      gone.map(() => "rule_deleted"),
    );
    for (const one of gone) subscriptions.splice(subscriptions.indexOf(one), 1);
    await send(20);
    await equal();
  });

  test("a loop gets states until it is left, the newest when it is slow, and the reason when there is none", async () => {
    let seen = 0;
    for await (const { status, rows } of weir.live(["all", "most"], { intervalMs: 50 })) {
      if (status === "live" && rows.length > 0 && ++seen === 1) await send(100);
      if (seen >= 3) break;
      await pause(10);
    }
    const unknown = async (): Promise<void> => {
      for await (const { status } of weir.live("ordres")) assert.notEqual(status, "live");
    };
    await assert.rejects(unknown(), (error) => error instanceof WeirError && error.code === "unknown_rule");
    const off = new AbortController();
    const endless = async (): Promise<void> => {
      for await (const _ of weir.live("all", { signal: off.signal })) off.abort(new Error("enough"));
    };
    await assert.rejects(endless(), /enough/);
    await assert.rejects(
      (async () => {
        for await (const _ of weir.live("ordres", { over: "events" }));
      })(),
      (error) => error instanceof WeirError && error.code === "unknown_rule" && error.status === 404,
    );
  });

  test("everybody who watches over sockets in one way has one socket", async () => {
    // Of its own: all others may lay their lines anew at any moment.
    const way = await openMovingAddress(server.queryUrl);
    const other = new Weir({ queryUrl: way.url });
    const states = Array.from({ length: 10 }, () => other.subscribe("all", () => {}));
    states.push(other.subscribe("most", () => {}));
    await until(() => states.every(({ state }) => state.status === "live"));
    assert.equal(way.opened, 1);
    other.close();
    await way.close();
  });
});

async function until(reached: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!reached()) {
    if (performance.now() > deadline) throw new Error("what was waited for did not come");
    await pause(20);
  }
}
