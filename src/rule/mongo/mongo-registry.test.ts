import assert from "node:assert/strict";
import { test } from "node:test";
import { MongoNetworkError, MongoServerError } from "mongodb";
import { account } from "../../../test/support/accounts.ts";
import { memoryCollection, type Way } from "../../../test/support/mongo/memory-collection.ts";
import { type Random, seeded } from "../../../test/support/random.ts";
import { systemClock } from "../../lib/clock.ts";
import type { WeirError } from "../../lib/errors.ts";
import { mongoTrouble } from "../../mongo/trouble.ts";
import { ChangeLog, type Entry } from "./change-log.ts";
import { MongoRegistry } from "./mongo-registry.ts";
import { type StoredRecord, StoredRecords } from "./stored-records.ts";

/** Nobody is waited for in vain. */
const clock = { ...systemClock, sleep: () => new Promise<never>(() => {}) };
const place = "mongodb://there/rules";

/** A server of rules, and processes that ask it. */
function server() {
  const [entries, records] = [memoryCollection<Entry>(), memoryCollection<StoredRecord>()];
  let ids = 0;
  /** The registry of one more process; each of its questions goes through `asked`. */
  const process = (asked: (question: string) => Way = () => {}): MongoRegistry => {
    const log = new ChangeLog(
      () => entries.asks((name, filter) => asked(`${name} ${String(filter?.["_id"])}`)),
      "local",
    );
    const stored = new StoredRecords(() => records.asks((name) => asked(`${name} of records`)));
    const deps = { log, stored, clock, place, report: () => {}, newId: () => `name-${++ids}` };
    return new MongoRegistry({ ...deps, server: { renew: () => {}, close: async () => {} } });
  };
  const open = async (asked?: (question: string) => Way): Promise<MongoRegistry> => {
    const registry = process(asked);
    await registry.load();
    return registry;
  };
  return { entries, records, process, open };
}

const many = (prefix: string) => Array.from({ length: 1200 }, (_, index) => account(`${prefix}-${index}`, 0, 16));
const stages = (asked: readonly string[]): number => asked.filter((one) => one === "insertMany of records").length;
const change = (registry: MongoRegistry, ...ids: readonly string[]) =>
  registry.change({ save: ids.map((id) => account(id, 0, 16)), remove: [] });

test("a large change is staged once, however often small ones take its number, and the others of its process go on", async () => {
  const { open } = server();
  const other = await open();
  const asked: string[] = [];
  let losses = 20;
  const revisions: number[] = [];
  const registry = await open(async (question) => {
    asked.push(question);
    if (!question.startsWith("insertOne change")) return;
    if (losses === 20) return;
    losses += 1;
    // Asked while the large change holds the turn; to be answered before its next attempt.
    void registry.revision().then((revision) => revisions.push(revision));
    await change(other, `small-${losses}`);
  });
  asked.splice(0);
  losses = 0;
  const made = await registry.change({ save: many("large"), remove: [] });
  assert.deepEqual([losses, stages(asked), revisions.length], [20, 3, 20]);
  assert.equal(made?.revision, await other.revision());
  assert.ok(made.records.every(({ revision }) => revision === made.revision));
  const all = await registry.all();
  assert.equal(all.length, 1220);
  assert.deepEqual(await other.all(), all);
  assert.deepEqual(
    await (await open()).all(),
    all,
    "also by a start, for which it has another number than it was staged for",
  );
});

test("what was staged before a start is staged anew: the start may have taken it for left over", async () => {
  const { open, records } = server();
  const asked: string[] = [];
  let starts = 0;
  const registry = await open(async (question) => {
    asked.push(question);
    if (question.startsWith("insertOne change") && starts++ === 1) await open();
  });
  const made = await registry.change({ save: many("large"), remove: [] });
  assert.equal(stages(asked), 6);
  assert.equal(made?.records.length, 1200);
  assert.equal(records.documents.size, 1200);
  assert.deepEqual(await (await open()).all(), await registry.all());
});

test("a change that another one has overtaken in its very records is lost, and leaves nothing", async () => {
  const { open, records } = server();
  const other = await open();
  let losses = 0;
  const registry = await open(async (question) => {
    if (question.startsWith("insertOne change") && losses++ === 1) await change(other, "large-7");
  });
  assert.equal(await registry.change({ save: many("large"), remove: [] }), undefined);
  assert.deepEqual(
    [...records.documents.values()].map(({ rule_id: id }) => id),
    ["large-7"],
  );
});

test("what a change has staged goes when a later attempt fails, as soon as the server answers, and not when the change may be made", async () => {
  for (const [fails, left] of [
    ["findOne change", 1],
    ["insertOne change", 1201],
  ] as const) {
    const { open, records } = server();
    const other = await open();
    let [losses, isThere] = [0, true];
    const registry = await open(async (question) => {
      if (!isThere && question.startsWith(fails)) throw new MongoNetworkError("the line broke");
      // The start's fence is the first.
      if (!question.startsWith("insertOne change") || losses++ !== 1) return;
      await change(other, "small");
      isThere = false;
    });
    const error: unknown = await registry.change({ save: many("large"), remove: [] }).catch((error: unknown) => error);
    assert.deepEqual([(error as WeirError).outcomeUnknown, records.documents.size], [left > 1, 1201]);
    isThere = true;
    await registry.revision();
    await systemClock.turn();
    assert.equal(records.documents.size, left);
  }
});

test("processes that start, change rules and die in whatever order: each change is made as a whole, or is not, for all of them", async (t) => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 1e9));
  t.diagnostic(`seed ${seed} (repeat with WEIR_SEED=${seed})`);
  for (let round = 0; round < 40; round++)
    await livesOf(server(), seeded(seed + round), `seed ${seed}, round ${round}`);
});

test("a user who may not write is told so, and not waited for", async () => {
  const refused = new MongoServerError({ message: "not authorized on rules to execute insert", code: 13 });
  const registry = server().process((question) => {
    if (question.startsWith("insertOne")) throw refused;
  });
  const error: unknown = await registry.load().catch((error: unknown) => error);
  const { code, message } = mongoTrouble("the rules", place, error);
  assert.equal(code, "invalid_config");
  assert.match(message, /it does not let us in \(not authorized .*the user may read and write/);
});

test("who may not write any more is told what to mend", async () => {
  const refused = new MongoServerError({ message: "not authorized", code: 13 });
  let [may, asked] = [true, 0];
  const registry = await server().open((question) => {
    if (may || !question.startsWith("insert")) return;
    asked += 1;
    throw refused;
  });
  may = false;
  const refusals = await Promise.allSettled(["a", "b"].map((id) => change(registry, id)));
  for (const { reason } of refusals as PromiseRejectedResult[])
    assert.match(
      (reason as WeirError).message,
      /^the rules can't be changed in .*: it does not let us in \(not authorized\)/,
    );
  assert.equal(asked, 2, "what is refused to one may be granted to another");
});

test("when the line fails under a change, what waits behind it fails by that, and no outcome of its own is unknown", async () => {
  let isThere = true;
  const registry = await server().open((question) => {
    if (!isThere && question.startsWith("insertOne change")) throw new MongoNetworkError("the line broke");
  });
  isThere = false;
  const failed = await Promise.allSettled([change(registry, "a"), registry.all(), change(registry, "b")]);
  const told = (failed as PromiseRejectedResult[]).map(({ reason }) => {
    const { code, message, canRetry, outcomeUnknown } = reason as WeirError;
    return [code, message, canRetry, outcomeUnknown];
  });
  assert.deepEqual(told, [
    ["registry_unavailable", `it is not known whether the rules were changed in ${place}: the line broke`, true, true],
    ["registry_unavailable", `the rules can't be read in ${place}: the line broke`, true, false],
    ["registry_unavailable", `the rules can't be changed in ${place}: the line broke`, true, false],
  ]);
  isThere = true;
  assert.deepEqual(await registry.all(), []);
});

test("series of an entry that is there and is not found yet are not taken twice", async () => {
  const { open } = server();
  let hidden = 2;
  const registry = await open((question) => {
    if (question.startsWith("findOne series") && hidden-- > 0) return "finds nothing";
  });
  const other = await open();
  assert.equal(await other.takeSeries(3), 16);
  assert.equal(await registry.takeSeries(1), 19);
  assert.equal(await other.takeSeries(1), 20);
});

/** Four processes at once, of which half die at some question, and what is on its way then comes late, or not at all. */
async function livesOf({ open }: ReturnType<typeof server>, random: Random, why: string): Promise<void> {
  const turns = async (most: number): Promise<void> => {
    for (let left = random.int(most); left > 0; left--) await systemClock.turn();
  };
  const [told, begun] = [new Set<string>(), new Map<string, readonly string[]>()];
  const life = async (name: number): Promise<void> => {
    await turns(60);
    const died = Promise.withResolvers<void>();
    let questions = random.chance(0.5) ? random.int(40) : Infinity;
    const asked = async (): Promise<void> => {
      await turns(4);
      questions -= 1;
      if (questions > 0) return;
      died.resolve();
      await (questions === 0 && random.chance(0.5)
        ? turns(100)
        : died.promise.then(() => new Promise<never>(() => {})));
    };
    const living = async (): Promise<void> => {
      const registry = await open(asked);
      for (let step = 0; step < 5; step++) {
        const ids = Array.from({ length: 1 + random.int(4) }, (_, index) => `${name}-${step}-${index}`);
        begun.set(ids[0]!, ids);
        await change(registry, ...ids);
        if (questions > 0) told.add(ids[0]!);
      }
    };
    await Promise.race([living(), died.promise]);
  };
  await Promise.all([0, 1, 2, 3].map(life));
  const early = await open();
  await turns(200);
  const all = await (await open()).all();
  assert.deepEqual(await early.all(), all, why);
  const found = new Set(all.map(({ rule_id: id }) => id));
  for (const [first, ids] of begun) {
    assert.equal(new Set(ids.map((id) => found.has(id))).size, 1, `${first} is made in part, ${why}`);
    assert.ok(found.has(first) || !told.has(first), `${first} was told and is lost, ${why}`);
  }
}
