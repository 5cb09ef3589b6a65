import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { account } from "../../../test/support/accounts.ts";
import { type MongoServer, startMongo, withOwnMongo } from "../../../test/support/mongo/mongo-server.ts";
import { seeded } from "../../../test/support/random.ts";
import { watchStalls } from "../../../test/support/stalls.ts";
import { openTcpProxy, type Passage } from "../../../test/support/tcp-proxy.ts";
import { systemClock } from "../../lib/clock.ts";
import { armFailpoint } from "../../lib/failpoint.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Registry } from "../registry.ts";
import { openMongoRegistry } from "./open.ts";

const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 1e9));
/** Two calls that nobody answers, with some room for a slow machine. */
const patienceMs = 25_000;

/** What a writer knows of the rules that it has made, by id. */
class Ledger {
  readonly acknowledged = new Set<string>();
  readonly unknown = new Set<string>();
  readonly refused = new Set<string>();
  readonly series: number[] = [];

  async make(registry: Registry, ruleId: string): Promise<boolean> {
    try {
      this.series.push(await registry.takeSeries(1));
      const stored = await registry.change({ save: [account(ruleId, 0, 16)], remove: [] });
      assert.ok(stored, `${ruleId} was there`);
      this.acknowledged.add(ruleId);
      return true;
    } catch (error) {
      assert.ok(error instanceof WeirError && error.code === "registry_unavailable", String(error));
      (error.outcomeUnknown ? this.unknown : this.refused).add(ruleId);
      return false;
    }
  }

  async check(registry: Registry): Promise<void> {
    const found = new Set((await registry.all()).map(({ rule_id: id }) => id));
    const why = `seed ${seed} (repeat with WEIR_SEED=${seed})`;
    for (const id of this.acknowledged) assert.ok(found.has(id), `${id} was acknowledged and is lost, ${why}`);
    for (const id of this.refused) assert.ok(!found.has(id), `${id} was refused and is there, ${why}`);
    for (const id of found) assert.ok(this.acknowledged.has(id) || this.unknown.has(id), `${id} is nobody's, ${why}`);
    assert.equal(new Set(this.series).size, this.series.length, `a series was given twice, ${why}`);
  }
}

describe("MongoDB is away", withOwnMongo, () => {
  let server: MongoServer;
  before(async () => {
    server = await startMongo();
  });
  const opened: Registry[] = [];
  const reports: string[] = [];
  after(async () => {
    for (const registry of opened) await registry.close();
    await server?.close();
  });

  const open = async (url: string): Promise<Registry> => {
    const report = (message: string, error?: unknown): void => void reports.push(`${message}: ${String(error)}`);
    const { registry } = await openMongoRegistry({ url, clock: systemClock, report });
    opened.push(registry);
    return registry;
  };

  test("its process is killed again and again under twenty writers: what was answered holds", async () => {
    const registries = await Promise.all(Array.from({ length: 4 }, () => open(server.url)));
    const ledger = new Ledger();
    let going = true;
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let made = 0; going; made++) {
        if (!(await ledger.make(registries[writer % 4]!, `killed-${writer}-${made}`))) await pause(20);
      }
    });
    for (let kills = 1; kills <= 3; kills++) {
      await until(() => ledger.acknowledged.size >= kills * 25);
      await server.kill();
      await pause(200);
      await server.start();
    }
    await until(() => ledger.acknowledged.size >= 110);
    going = false;
    await Promise.all(writers);
    for (const registry of registries) await ledger.check(registry);
    const afresh = await open(server.url);
    await ledger.check(afresh);
    for (const registry of [...registries, afresh]) await registry.close();
  });

  test("the line is cut at any moment, also between a change and its answer", async (t) => {
    t.diagnostic(`seed ${seed}`);
    const proxy = await openTcpProxy(server.port);
    t.after(() => proxy.close());
    const database = `/cut${seed}`;
    const registry = await open(`mongodb://127.0.0.1:${proxy.port}${database}`);
    // Who follows the rules notices a line that is lost for good, and lays it anew.
    registry.watch(() => {});
    const other = await open(`mongodb://127.0.0.1:${server.port}${database}`);
    const ledger = new Ledger();
    const random = seeded(seed);
    // Where a change takes long it is hardly ever done before the line is cut: then that is cut later.
    for (let made = 0; made < 40 || (ledger.acknowledged.size <= 15 && made < 200); made++) {
      // While it is known to be away nothing is tried.
      await until(() => registry.trouble() === undefined);
      const passage: Passage = random.pick(["answers lost", "refused"]);
      const cutting = pause(random.int(12 * Math.ceil((made + 1) / 40))).then(async () => {
        proxy.set(passage);
        await pause(random.int(8));
        proxy.set("through");
      });
      await ledger.make(registry, `cut-${made}`);
      if (random.chance(0.3)) await ledger.make(other, `other-${made}`);
      await cutting;
    }
    await until(() => registry.trouble() === undefined);
    const answers = (): Promise<boolean> =>
      registry.all().then(
        () => true,
        () => false,
      );
    for (const end = performance.now() + 120_000; !(await answers()); await pause(100))
      assert.ok(performance.now() < end);
    await ledger.check(registry);
    await ledger.check(other);
    t.diagnostic(`${ledger.acknowledged.size} made, ${ledger.refused.size} refused, ${ledger.unknown.size} unknown`);
    assert.ok(ledger.acknowledged.size > 15);
    await Promise.all([registry.close(), other.close()]);
  });

  test("the answer to the very insertion that makes a change is lost: it is found made, once", async (t) => {
    const proxy = await openTcpProxy(server.port);
    t.after(() => proxy.close());
    const registry = await open(`mongodb://127.0.0.1:${proxy.port}/lost${seed}`);
    let [last] = (await registry.change({ save: [account("a", 0, 16)], remove: [] }))!.records;
    for (let round = 0; round < 10; round++) {
      const before = await registry.revision();
      armFailpoint("rules-staged", 1, () => proxy.set("answer lost"));
      const made = await registry.change({ save: [last!], remove: [] });
      assert.equal(made?.revision, before + 1);
      assert.equal(await registry.revision(), before + 1);
      last = made.records[0];
    }
    await registry.close();
  });

  test("it takes connections and answers nothing: calls end, with a reason, and what is late changes nothing", async () => {
    const registry = await open(server.url);
    const stop = registry.watch(() => {});
    assert.equal(registry.trouble(), undefined);
    reports.splice(0);
    server.freeze();
    const ledger = new Ledger();
    const madeMs = await msOf(() => Promise.all(["frozen-a", "frozen-b"].map((id) => ledger.make(registry, id))));
    assert.ok(madeMs < patienceMs, `${madeMs} ms`);
    await until(() => registry.trouble() !== undefined);
    const refusedMs = (): Promise<number> =>
      msOf(() => assert.rejects(registry.all(), { code: "registry_unavailable", message: /127\.0\.0\.1/ }));
    const tookMs = [await refusedMs()];
    while (Math.min(...tookMs) >= 1000 && tookMs.length < 5) tookMs.push(await refusedMs());
    assert.ok(Math.min(...tookMs) < 1000, `known to be away, it is not waited for: ${tookMs.join()} ms`);
    server.thaw();
    await until(() => registry.trouble() === undefined);
    assert.match(reports[0]!, /^the place of the rules does not answer: .*no answer within 3 s/);
    assert.match(reports[1]!, /answers again/);
    await ledger.make(registry, "thawed");
    assert.ok(ledger.acknowledged.has("thawed"));
    const found = (await registry.all()).map(({ rule_id: id }) => id);
    for (const id of ["frozen-a", "frozen-b"]) assert.ok(!found.includes(id) || !ledger.refused.has(id), id);
    stop();
    await registry.close();
  });

  test("others' changes are told within a second, also after it was away", async () => {
    const [registry, other] = [await open(server.url), await open(server.url)];
    let told = 0;
    const stop = registry.watch(() => (told += 1));
    const toldAfterMs = async (ruleId: string): Promise<number> => {
      const before = told;
      await new Ledger().make(other, ruleId);
      return msOf(() => until(() => told > before));
    };
    for (const round of [1, 2]) {
      // Half of the second is for a look at the database, which a busy machine may draw out: not most of the times.
      const tookMs: number[] = [];
      const inTime = (): number => tookMs.filter((ms) => ms < 1000).length;
      while (inTime() < 5 && tookMs.length < 10) tookMs.push(await toldAfterMs(`told-${round}-${tookMs.length}`));
      assert.equal(inTime(), 5, `told after ${tookMs.map(Math.round).join(", ")} ms`);
      if (round === 2) break;
      await server.kill();
      await until(() => registry.trouble() !== undefined);
      await server.start();
      await until(() => registry.trouble() === undefined);
    }
    stop();
    await registry.close();
    await other.close();
  });

  test("an address where nobody is, and one that is none, are told without the secrets in them", async () => {
    const withSecrets = (rest: string): string => `mongodb://weir:geheim@127.0.0.1:${rest}`;
    const told = async (url: string): Promise<WeirError> => {
      const error: unknown = await open(url).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(error instanceof WeirError);
      assert.ok(!error.message.includes("geheim") && !error.message.includes("weir:"), error.message);
      return error;
    };
    const nobody = await told(withSecrets("1/rules"));
    assert.deepEqual([nobody.code, nobody.canRetry], ["registry_unavailable", true]);
    assert.match(nobody.message, /127\.0\.0\.1:1/);
    const wrong = await told(withSecrets("1/rules?noSuchOption=1"));
    assert.deepEqual([wrong.code, wrong.canRetry], ["invalid_config", false]);
  });

  test("the rules of one data folder are not another's", async () => {
    const url = `mongodb://127.0.0.1:${server.port}/owned${seed}`;
    const owned = async (owner: string) => {
      const found = await openMongoRegistry({ url, owner, clock: systemClock });
      opened.push(found.registry);
      return found;
    };
    const [first, rival] = [await owned("one"), await owned("two")];
    assert.equal(first.adopted, false);
    await first.claim();
    await assert.rejects(rival.claim(), { code: "invalid_config" });
    await assert.rejects(owned("two"), { code: "invalid_config", message: /belong to another data folder \(one/ });
    const again = await owned("one");
    assert.equal(again.adopted, false);
    await again.claim();
  });

  test("rules that are nobody's, but were changed, are adopted until they are claimed", async () => {
    const url = `mongodb://127.0.0.1:${server.port}/adopted${seed}`;
    await new Ledger().make(await open(url), "a");
    for (const [adopted, claims] of [
      [true, false],
      [true, true],
      [false, false],
    ]) {
      const found = await openMongoRegistry({ url, owner: "one", clock: systemClock });
      opened.push(found.registry);
      assert.equal(found.adopted, adopted);
      if (claims) await found.claim();
    }
  });
});

/** How long it takes, without the longest time that this process was kept from looking. */
async function msOf(happening: () => Promise<unknown>): Promise<number> {
  const [from, stalls] = [performance.now(), watchStalls()];
  await happening();
  stalls.stop();
  return performance.now() - from - stalls.worstMs();
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 120_000;
  while (!condition()) {
    assert.ok(performance.now() < end, `it did not come to be (seed ${seed})`);
    await pause(5);
  }
}
