import assert from "node:assert/strict";
import { type TestContext, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { deleteRule, readiness, rules } from "../support/api.ts";
import { type MongoServer, startMongo, withOwnMongo } from "../support/mongo/mongo-server.ts";
import { openTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";

/** For how long it is away, each time; `WEIR_RULES_AWAY_SECONDS=900` is the long form. */
const awaySeconds = Number(process.env["WEIR_RULES_AWAY_SECONDS"] ?? 4);
/** What a change of a rule may take to be refused, on a machine that is busy. */
const refusedMsMax = 25_000;
const load = { senders: 2, requestEventsMax: 100, pauseMs: 100 };
const later = { rule_id: "later", window_size: "1m", metric: "count", group_by: ["payload.country"] } as const;

describe("rules in MongoDB, under load", withOwnMongo, () => {
  test("the server is killed and started again: its rules are there, and all is counted", async (t) => {
    await withMongo(t, async (stage, server) => {
      const args = ["--mongo-url", server.url];
      await stage.start({ args });
      await stage.putRules(faultRules);
      for (let kills = 0; kills < 2; kills++) {
        stage.senders.start(stage.server.ingestUrl);
        await pause(1000);
        await stage.server.killGroup();
        await stage.senders.stop();
        await stage.start({ args });
        const ids = (await rules(stage.server.queryUrl)).map(({ rule_id: id }) => id);
        assert.deepEqual(ids.toSorted(), faultRules.map(({ rule_id: id }) => id).toSorted());
      }
      await stage.verify(faultRules);
    });
  });

  test("R10: the rules' place is killed, frozen and cut off: rules go on, changes are refused, all is counted", async (t) => {
    await withMongo(t, async (stage, server) => {
      const proxy = await openTcpProxy(server.port);
      t.after(() => proxy.close());
      await stage.start({ args: ["--mongo-url", server.url.replace(`:${server.port}/`, `:${proxy.port}/`)] });
      await stage.putRules(faultRules);
      stage.senders.start(stage.server.ingestUrl);
      await pause(500);
      for (const absence of absences(server, proxy)) await without(t, stage, absence);
      await changed(stage, later);
      await stage.senders.stop();
      const { requests } = stage.ledger.summary();
      assert.deepEqual([requests.refused, requests.unknown], [0, 0], "ingest was not to notice");
      await stage.verify([...faultRules, later]);
    });
  });
});

interface Absence {
  readonly kind: string;
  begin(): unknown;
  end(): unknown;
}

const absences = (server: MongoServer, proxy: TcpProxy): readonly Absence[] => [
  { kind: "killed", begin: () => server.kill(), end: () => server.start() },
  { kind: "frozen", begin: () => server.freeze(), end: () => server.thaw() },
  { kind: "cut off", begin: () => proxy.set("refused"), end: () => proxy.set("through") },
  { kind: "behind a silent line", begin: () => proxy.set("silent"), end: () => proxy.set("through") },
];

/** While it is away events are counted and changes refused, all the time; afterwards both are as ever. */
async function without(t: TestContext, stage: Stage, { kind, begin, end }: Absence): Promise<void> {
  const { queryUrl } = stage.server;
  await begin();
  const until = performance.now() + awaySeconds * 1000;
  let [asked, longestMs] = [0, 0];
  for (; asked < 2 || performance.now() < until; asked++) {
    const before = await counted(queryUrl);
    const from = performance.now();
    const { status, text } = await post(queryUrl, { ...later, window_size: `${2 + asked}m` });
    longestMs = Math.max(longestMs, performance.now() - from);
    assert.equal(status, 503, `a change was answered with ${status} while it was ${kind}: ${text}`);
    assert.match(text, /"registry_unavailable"/);
    await eventually(
      `events to be counted while it was ${kind}`,
      async () => (await counted(queryUrl)) > before,
      120_000,
    );
  }
  assert.ok(longestMs < refusedMsMax, `a refusal took ${longestMs} ms`);
  const { status, parts } = await readiness(queryUrl);
  assert.deepEqual([status, parts["rules"]?.ok], [200, false], kind);
  await end();
  await eventually("a change to be taken again", async () => (await post(queryUrl, later)).status < 300, 120_000);
  await deleteRule(queryUrl, later.rule_id);
  t.diagnostic(`${kind}: ${asked} changes refused, the slowest after ${Math.round(longestMs)} ms`);
}

async function changed(stage: Stage, rule: object): Promise<void> {
  const { status, text } = await post(stage.server.queryUrl, rule);
  assert.equal(status, 201, text);
}

async function post(queryUrl: string, rule: object): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(60_000);
  const response = await fetch(`${queryUrl}/aggregation-rule`, {
    method: "POST",
    headers,
    body: JSON.stringify(rule),
    signal,
  });
  return { status: response.status, text: await response.text() };
}

async function counted(queryUrl: string): Promise<number> {
  const text = await (await fetch(`${queryUrl}/metrics`)).text();
  return Number(/^weir_counted_events_total (\d+)/m.exec(text)?.[1]);
}

async function eventually(what: string, condition: () => Promise<boolean>, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `waited in vain for ${what}`);
    await pause(50);
  }
}

async function withMongo(t: TestContext, play: (stage: Stage, server: MongoServer) => Promise<void>): Promise<void> {
  const server = await startMongo();
  t.after(() => server.close());
  await Stage.run(faultSeed(), load, async (stage) => {
    t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
    await play(stage, server);
    t.diagnostic(JSON.stringify(stage.ledger.summary()));
  });
}
