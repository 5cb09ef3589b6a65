import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin } from "@platformatic/kafka";
import { allStats, ask, postCounted } from "../../support/api.ts";
import { firstDifference } from "../../support/first-difference.ts";
import { whyNoKafka } from "../../support/kafka/kafka-jars.ts";
import { SocketWatcher } from "../../support/live-watcher.ts";
import { whyNoFerretDb } from "../../support/mongo/ferretdb.ts";
import { unlessMissing } from "../../support/needs.ts";
import { fewFaultRules } from "../fault-events.ts";
import { faultSeed, Stage } from "../stage.ts";
import { Installation, type Name, processes } from "./installation.ts";

const ids = fewFaultRules.map(({ rule_id: id }) => id);
const load = { senders: 2, requestEventsMax: 40, pauseMs: 40, patienceMs: 30_000 };
const queries = ["query-1", "query-2"] as const;
const patienceMs = 300_000;

describe("roles in processes of their own", { ...unlessMissing(whyNoKafka ?? whyNoFerretDb()) }, () => {
  let all: Installation;
  before(async () => {
    all = await Installation.open();
    await Promise.all(processes.map((name) => all.start(name)));
  });
  after(() => all?.close());

  test("each does its part, and says what it depends on", async () => {
    const parts = async (name: Name): Promise<string> => {
      const { ingestUrl, queryUrl } = all.of(name);
      const url = name.startsWith("ingest") ? ingestUrl : queryUrl;
      await eventually(`${name} to be ready`, async () => {
        const answer = await fetch(`${url}/ready`);
        const { parts: told } = (await answer.json()) as { parts: Record<string, { ok: boolean }> };
        return answer.status === 200 && Object.values(told).every(({ ok }) => ok);
      });
      const { parts: told } = (await (await fetch(`${url}/ready`)).json()) as { parts: object };
      return Object.keys(told).join();
    };
    assert.deepEqual(await Promise.all(processes.map(parts)), [
      "log,progress",
      "log,progress",
      "log,store,rules,progress",
      "log,store,rules,progress",
      "log,store,rules,progress",
    ]);
    const status = async (url: string): Promise<number> => (await fetch(url, { method: "GET" })).status;
    assert.equal(await status(`${all.of("ingest-1").ingestUrl}/stats?rule_id=x`), 404);
    assert.equal(await status(`${all.of("processor-1").queryUrl}/aggregation-rules`), 404);
    assert.equal(await status(`${all.of("processor-1").queryUrl}/metrics`), 200);
    assert.equal(await status(`${all.of("query-1").queryUrl}/ingest`), 404);
    assert.match(all.of("processor-1").output(), /^Weir is ready as processor: health http/m);
  });

  test("every process is restarted under load: no request fails, every event counts once, live equals stats", async (t) => {
    await Stage.run(faultSeed(), load, async (stage) => {
      await stage.putRules(fewFaultRules, all.at("query-1"));
      const watchers = queries.map(() => new SocketWatcher(ids, { from: "0" }));
      const watch = (): Promise<unknown> =>
        Promise.all(watchers.map((one, i) => one.connect(all.at(queries[i]!).queryUrl)));
      try {
        await watch();
        stage.senders.start(all.balancer.url);
        for (const name of processes) {
          await pause(300);
          const [i, other] = [queries.findIndex((one) => one === name), queries.find((one) => one !== name)!];
          const restarting = all.restart(name);
          if (i >= 0) await watchers[i]!.connect(all.at(other).queryUrl);
          await restarting;
          if (i >= 0) watchers[i]!.drop();
          if (i >= 0) await watchers[i]!.connect(all.at(queries[i]!).queryUrl);
          await countedNow(stage, all);
          if (name.startsWith("query")) await pause(200);
        }
        assert.ok(all.stopsInTime > processes.length / 2, `only ${all.stopsInTime} stops were in time`);
        await all.kill("processor-1");
        await countedNow(stage, all);
        await stage.senders.stop();
        stage.clientsWereNotToNotice();
        assert.ok(all.balancer.passedOn() > 0, "no request met a server that was stopping");
        await equal("after the restarts", watchers, all);
        await missed(stage, all);
        await equal("after what was missed", watchers, all);
        await brokerAway(all);
        await countedNow(stage, all);
        await equal("after the broker was away", watchers, all);
        for (const query of queries) await stage.verify(fewFaultRules, all.at(query));
        await answersOthers(all);
        await erased(all);
        assert.equal(existsSync(all.folderOf("ingest-1")), false, "an ingest process has touched its data folder");
        t.diagnostic(`${all.balancer.passedOn()} requests passed on; ${JSON.stringify(stage.ledger.summary())}`);
      } catch (error) {
        throw new Error(all.output(), { cause: error });
      } finally {
        for (const one of watchers) one.drop();
      }
    });
  });
});

/** Through whichever process takes it, whichever counts it. */
async function countedNow(stage: Stage, { balancer }: Installation): Promise<void> {
  const event = stage.make();
  stage.ledger.sent([event]);
  await postCounted(balancer.url, [event]);
  stage.ledger.settled([event], "acknowledged");
}

/** One who answers is held, and what was said meanwhile is gone when it goes on. */
async function missed(stage: Stage, all: Installation): Promise<void> {
  const { pid } = all.of("query-2");
  process.kill(pid, "SIGSTOP");
  try {
    for (let i = 0; i < 5; i++) await countedNow(stage, all);
    await forgetNews(all);
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

/** All hear it, and all go on when it is back. */
async function brokerAway(all: Installation): Promise<void> {
  const { cluster, balancer } = all;
  const isHeard = async (name: Name): Promise<boolean> => {
    const answer = await fetch(`${all.of(name).queryUrl}/ready`);
    const { parts } = (await answer.json()) as { parts: { progress: { ok: boolean } } };
    return parts.progress.ok;
  };
  await cluster.brokers[0]!.kill();
  await eventually("all to say that the broker is away", async () => {
    const heard = await Promise.all(([...queries, "processor-1"] as const).map(isHeard));
    return !heard.includes(true);
  });
  await cluster.brokers[0]!.start();
  await cluster.ready();
  await eventually("events to be taken again", async () => (await fetch(`${balancer.url}/ready`)).ok);
}

async function forgetNews({ cluster }: Installation): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.addresses] });
  const name = "events_raw.weir.progress";
  try {
    const found = await admin.listOffsets({
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    });
    const end = found[0]!.partitions[0]!.offset;
    await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: end }] }] });
  } finally {
    await admin.close();
  }
}

/** What is known of counting elsewhere: positions, rates, and that all is compared. */
async function answersOthers(all: Installation): Promise<void> {
  const { queryUrl } = all.of("query-2");
  const asked = async (path: string): Promise<Record<string, unknown>> =>
    (await ask(`${queryUrl}${path}`)) as Record<string, unknown>;
  const { rates, parts } = (await asked("/status")) as { rates: Record<string, unknown>; parts: object };
  assert.equal(rates["accepted_per_second"], null);
  assert.deepEqual(Object.keys(parts), ["store", "log", "rules", "progress"]);
  for (const id of ids) assert.equal((await asked(`/aggregation-rule/${id}/verification`))["result"], "equal");
}

/** Asked at one, and known to the other as well, which has the events no more. */
async function erased(all: Installation): Promise<void> {
  const [asked, other] = queries.map((query) => all.of(query).queryUrl);
  const usersOf = async (query: string): Promise<string[]> => {
    const { data } = (await ask(`${other}/events?start_time=1970-01-01T00:00:00Z&${query}`)) as {
      data: { user_id: string }[];
    };
    return data.map(({ user_id }) => user_id);
  };
  const [user] = await usersOf("limit=1");
  assert.ok(user !== undefined);
  const answer = await fetch(`${asked}/events?user_id=${encodeURIComponent(user)}`, { method: "DELETE" });
  assert.equal(answer.status, 202);
  const { erasure_id: id } = (await answer.json()) as { erasure_id: string };
  let state: unknown;
  await eventually(
    "the erasure to be told by the other",
    async () => {
      state = await ask(`${other}/erasures/${id}`);
      return ["purging", "done"].includes((state as { state: string }).state);
    },
    () => JSON.stringify(state),
  );
  assert.deepEqual(await usersOf(`user_id=${encodeURIComponent(user)}`), []);
}

/** What each has put together is what the process that it watches answers. */
async function equal(when: string, watchers: readonly SocketWatcher[], all: Installation): Promise<void> {
  let last: string | undefined;
  await eventually(
    `live to equal stats ${when}`,
    async () => (last = await difference(watchers, all)) === undefined,
    () => last,
  );
}

async function difference(watchers: readonly SocketWatcher[], all: Installation): Promise<string | undefined> {
  for (const [i, { assembler, mistakes }] of watchers.entries()) {
    if (mistakes.length > 0) return `${queries[i]}: ${String(mistakes[0])}`;
    for (const id of ids) {
      const answered = await allStats(all.at(queries[i]!).queryUrl, id, 0, Date.now() + 86_400_000);
      const different = firstDifference(assembler.rows(id), answered);
      if (different !== undefined) return `${queries[i]}, ${id}: ${different}`;
    }
  }
  return undefined;
}

async function eventually(
  what: string,
  holds: () => Promise<boolean>,
  why: () => string | undefined = () => undefined,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}: ${why() ?? ""}`);
    await pause(300);
  }
}
