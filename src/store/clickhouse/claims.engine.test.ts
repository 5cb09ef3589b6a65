import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ServerStore, serverStore } from "../../../test/support/server-store.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../../../test/support/stand-alone-engine.ts";
import { type TardyProxy, openTardyProxy } from "../../../test/support/tardy-proxy.ts";
import { offset, src } from "../../event/position.ts";
import { planRollup } from "../../rollup/plan.ts";
import { countByType, event, piece, range, start } from "../store-samples.suite.ts";
import { type Claim, claimHolds } from "./claim-statements.ts";

/*
 * A server goes on when a process dies, and a request may reach it after whoever sent it was given up. Each case is also
 * played without claims, where it has to go wrong: else it would prove nothing.
 */

let server: StandAloneEngine;
const opened: ServerStore[] = [];
const lines: TardyProxy[] = [];
const database = "claims";
let nextSrc = 0;

before(async () => {
  server = await startStandAloneEngine();
  await process_().store.open(new AbortController().signal);
});
after(async () => {
  await Promise.all(opened.map(({ store }) => store.close()));
  await Promise.all(lines.map((line) => line.close()));
  await server.close();
});

/** The store as one more process has it. */
function process_(options: Parameters<typeof serverStore>[2] = {}, url = server.url): ServerStore {
  const one = serverStore({ ...server, url }, database, options);
  opened.push(one);
  return one;
}

const offsetsOf = (one: ServerStore, of: number): Promise<readonly number[]> =>
  one.store.storedOffsets(src(of), offset(0));

const slowRows = 100;

/** Raw rows that take the server twenty seconds, all of which appear at its end. */
function slowInsert({ connection }: ServerStore, of: number, claim?: Claim): Promise<unknown> {
  const holds = claim && claimHolds(claim);
  const sql = `INSERT INTO raw_events (src, off, received_at, timestamp, event_id, event_type, user_id, payload)
    SELECT ${of}, number + sleepEachRow(0.2), now64(3), now64(3), 'slow', 'slow', 'slow', '{}' FROM numbers(${slowRows})
    ${holds ? `WHERE ${holds.sql}` : ""}`;
  return connection
    .write({ sql, parameters: holds?.parameters ?? {} }, { max_block_size: 1 }, claim)
    .catch((error: unknown) => error);
}

async function untilRunning(one: ServerStore, inserting: Promise<unknown>): Promise<void> {
  let isOver = false;
  void inserting.then(() => (isOver = true));
  const sql = "SELECT count() AS running FROM system.processes WHERE query LIKE 'INSERT INTO raw_events%sleepEachRow%'";
  while (Number((await one.connection.rows<{ running: number }>({ sql, parameters: {} }))[0]?.running) === 0)
    assert.ok(!isOver, "the insert was over before it was seen");
}

describe("an insert that runs on in the server when its process has died", () => {
  for (const claimed of [true, false]) {
    test(
      claimed ? "has ended when its successor reads" : "lands behind its successor's back without claims",
      async () => {
        const of = nextSrc++;
        const waits: unknown[] = [];
        const dead = process_();
        const next = process_({ claimed, waiting: () => waits.push(0) });
        const inserting = slowInsert(dead, of, claimed ? await dead.claims.of(src(of)) : undefined);
        await untilRunning(next, inserting);
        await next.store.takeOver(src(of));
        assert.deepEqual(await offsetsOf(next, of), []);
        await inserting;
        assert.equal((await offsetsOf(next, of)).length, claimed ? 0 : slowRows);
        assert.equal(waits.length, claimed ? 1 : 0);
      },
    );
  }
});

describe("an insert that arrives after its process has died", () => {
  for (const claimed of [true, false]) {
    test(claimed ? "writes nothing" : "lands behind its successor's back without claims", async () => {
      const of = nextSrc++;
      const gate = Promise.withResolvers<void>();
      const line = await openTardyProxy(server.url, (sql) =>
        sql.startsWith("INSERT INTO raw") ? gate.promise : undefined,
      );
      const dead = process_({ claimed }, line.url);
      const inserting = dead.store
        .insertRaw(src(of), [piece(0, [event("a"), event("b")])])
        .catch((error: unknown) => error);
      while (line.waiting() === 0) await pause();
      const next = process_({ claimed });
      await next.store.takeOver(src(of));
      assert.deepEqual(await offsetsOf(next, of), []);
      await next.store.insertRaw(src(of), [piece(0, [event("a"), event("b")])]);
      gate.resolve();
      await inserting;
      assert.deepEqual(
        line.arrived.map(({ ok }) => ok),
        [!claimed],
      );
      assert.deepEqual(await offsetsOf(next, of), claimed ? [0, 1] : [0, 0, 1, 1]);
      await line.close();
    });
  }
});

describe("a rollup that arrives after it was given up", () => {
  for (const claimed of [true, false]) {
    test(claimed ? "writes nothing when it is settled" : "counts twice without claims", async () => {
      const of = nextSrc++;
      const series = 100 + of;
      const gate = Promise.withResolvers<void>();
      let isFirst = true;
      const line = await openTardyProxy(server.url, (sql) => {
        if (!sql.startsWith("INSERT INTO rollups") || !isFirst) return undefined;
        isFirst = false;
        return gate.promise;
      });
      const one = process_({ claimed, requestTimeoutMs: 15_000 }, line.url);
      await one.store.takeOver(src(of));
      await one.store.insertRaw(src(of), [piece(0, [event("a"), event("b")])]);
      const at = range(of, 0, 1);
      const plan = planRollup([{ series, rule: countByType }]);
      const task = { range: at, plan, marks: [{ series: 0, range: at }], counts: { events: 2, duplicates: 0 } };
      await assert.rejects(one.store.rollUp(task), { code: "store_unavailable", outcomeUnknown: true });
      await (claimed ? one.store.settle() : Promise.resolve());
      assert.deepEqual(await one.store.marks(0, src(of), offset(0)), []);
      await one.store.rollUp(task);
      gate.resolve();
      while (line.arrived.length === 0) await pause();
      const [row] = await one.store.windows({
        ...{ series, rule: countByType, from: start, to: start + 60_000, filters: [] },
        ...{ order: "newest" as const, limit: 10 },
      });
      assert.equal(row?.value, claimed ? 2 : 4);
      await line.close();
    });
  }
});

test("a process whose partition another has taken is told so, and writes nothing", async () => {
  const of = nextSrc++;
  const [zombie, next] = [process_(), process_()];
  await zombie.store.takeOver(src(of));
  await zombie.store.insertRaw(src(of), [piece(0, [event("a")])]);
  await next.store.takeOver(src(of));
  await assert.rejects(zombie.store.insertRaw(src(of), [piece(1, [event("b")])]), {
    code: "store_unavailable",
    outcomeUnknown: true,
  });
  // What it writes elsewhere is none of that.
  await zombie.store.settle(src(nextSrc++));
  await assert.rejects(zombie.store.settle(src(of)), { code: "store_taken" });
  await zombie.store.settle();
  await next.store.insertRaw(src(of), [piece(1, [event("b")])]);
  assert.deepEqual(await offsetsOf(next, of), [0, 1]);
});

/** Keeps one request that `holds` names until the gate is opened, and cuts the first rollup off before the server has it. */
async function lineThatHolds(holds: (sql: string) => boolean) {
  const gate = Promise.withResolvers<void>();
  let isCut = false;
  const line = await openTardyProxy(server.url, (sql) => {
    if (isCut) return holds(sql) ? gate.promise : undefined;
    isCut = sql.startsWith("INSERT INTO rollups");
    return isCut ? Promise.reject(new Error("the line is cut")) : undefined;
  });
  lines.push(line);
  // What was cut off waits for ever.
  const held = async (): Promise<void> => {
    while (line.waiting() < 2) await pause();
  };
  return { ...line, held, open: () => gate.resolve() };
}

const nth = (n: number, beginning: string): ((sql: string) => boolean) => {
  let seen = 0;
  return (sql) => sql.startsWith(beginning) && ++seen === n;
};

function countOf(of: number) {
  const [series, rule] = [100 + of, countByType];
  const plan = planRollup([{ series, rule }]);
  const task = (from: number, to: number) => {
    const at = range(of, from, to);
    return { range: at, plan, marks: [{ series: 0, range: at }], counts: { events: to - from + 1, duplicates: 0 } };
  };
  const query = { series, rule, from: start, to: start + 60_000, filters: [], order: "newest" as const, limit: 10 };
  const value = async ({ store }: ServerStore) => (await store.windows(query))[0]?.value;
  return { task, value };
}

/** A process whose rollup of the first two events is in doubt; what `holds` names of it is held from then on. */
async function inDoubt(of: number, holds: (sql: string) => boolean) {
  const line = await lineThatHolds(holds);
  const one = process_({}, line.url);
  await one.store.takeOver(src(of));
  await one.store.insertRaw(src(of), [piece(0, [event("a"), event("b")])]);
  await assert.rejects(one.store.rollUp(countOf(of).task(0, 1)), { code: "store_unavailable", outcomeUnknown: true });
  return { one, line };
}

describe("a process that is replaced while it settles a rollup is told so, and the rollup is counted by its successor alone", () => {
  const moments: Record<string, () => (sql: string) => boolean> = {
    "before it reads who has the partition": () => nth(1, "SELECT toFloat64(holder"),
    "when it reads that again": () => nth(2, "SELECT toFloat64(holder"),
    "before it claims": () => nth(1, "INSERT INTO claims"),
    "while it waits for what runs": () => nth(1, "SELECT Settings"),
  };
  for (const [moment, holds] of Object.entries(moments)) {
    test(moment, async () => {
      const of = nextSrc++;
      const { task, value } = countOf(of);
      const { one: zombie, line } = await inDoubt(of, holds());
      const settling = zombie.store.settle(src(of)).catch((error: unknown) => error);
      await line.held();
      const next = process_();
      await next.store.takeOver(src(of));
      await next.store.insertRaw(src(of), [piece(2, [event("c"), event("d")])]);
      await next.store.rollUp(task(0, 3));
      line.open();
      const settled = await settling;
      await zombie.store.rollUp(task(0, 1)).catch(() => {});
      await zombie.store.insertRaw(src(of), [piece(2, [event("c"), event("d")])]).catch(() => {});
      assert.equal(await value(next), 4);
      assert.deepEqual(await offsetsOf(next, of), [0, 1, 2, 3]);
      assert.equal((settled as { code?: string } | undefined)?.code, "store_taken");
      await next.store.rollUp(task(4, 4));
    });
  }
});

test("of two claims of one term the greater name's is in force, and who settles takes nothing from it", async () => {
  const of = nextSrc++;
  const { one, line } = await inDoubt(of, nth(1, "SELECT Settings"));
  const settling = assert.rejects(one.store.settle(src(of)), { code: "store_taken" });
  await line.held();
  const sql = `INSERT INTO claims (src, term, writer) SELECT src, max(term), 'z' FROM claims WHERE src = ${of} GROUP BY src`;
  await process_().connection.write({ sql, parameters: {} });
  line.open();
  await settling;
});

test("of several processes that take a partition at once, one has it", async () => {
  const of = nextSrc++;
  const all = Array.from({ length: 4 }, () => process_());
  const taken = await Promise.allSettled(all.map(({ store }) => store.takeOver(src(of))));
  const takers = all.filter((_, index) => taken[index]!.status === "fulfilled");
  assert.ok(takers.length > 0, String(taken.map((one) => (one.status === "rejected" ? one.reason : ""))));
  const wrote = await Promise.allSettled(
    takers.map(({ store }, index) => store.insertRaw(src(of), [piece(index, [event(`of ${index}`)])])),
  );
  assert.equal(wrote.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal((await offsetsOf(all[0]!, of)).length, 1, "what was refused is not there");
});

const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 5));

test("claims that are far behind are deleted now and then; the one in force stays, and goes on being checked", async () => {
  const [of, other] = [nextSrc++, nextSrc++];
  const [old, next] = [process_(), process_()];
  const rows = (partition: number) =>
    next.connection.rows<{ term: number }>({
      sql: "SELECT toFloat64(term) AS term FROM claims WHERE src = {of:UInt16} ORDER BY term",
      parameters: { of: partition },
    });
  const earlier = "INSERT INTO claims (src, term, writer) SELECT {of:UInt16}, number + 1, 'earlier' FROM numbers(62)";
  for (const partition of [of, other]) await next.connection.write({ sql: earlier, parameters: { of: partition } });
  await old.store.takeOver(src(of));
  assert.equal((await rows(of)).length, 63);
  await next.store.takeOver(src(of));
  const end = performance.now() + 120_000;
  while ((await rows(of)).length > 17 && performance.now() < end) await pause();
  assert.deepEqual([(await rows(of))[0]!.term, (await rows(of)).at(-1)!.term], [48, 64]);
  assert.equal((await rows(other)).length, 62);
  await assert.rejects(old.store.insertRaw(src(of), [piece(0, [event("a")])]));
  await assert.rejects(old.store.settle(src(of)), { code: "store_taken" });
  await next.store.insertRaw(src(of), [piece(0, [event("a")])]);
});
