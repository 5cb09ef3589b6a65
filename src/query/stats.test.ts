import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { at, minute, now, setUp } from "../../test/support/stats-desk.ts";
import { WeirError } from "../lib/errors.ts";
import type { Problem } from "../lib/errors.ts";
import { timeMax } from "../lib/rfc3339.ts";
import type { RawParameters } from "./parameters.ts";
import { versionOf } from "./stats-request.ts";
import { stats } from "./stats.ts";

async function problems(asked: Promise<unknown>): Promise<readonly Problem[]> {
  const error = await asked.then(
    () => assert.fail("was answered"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WeirError);
  assert.equal(error.code, "invalid_query");
  return error.details as Problem[];
}

test("the answer has the documented shape, newest window first, then groups in order, null last", async () => {
  const { ask, put } = setUp();
  put("19:30:00", ["view"], 2);
  put("19:30:00", [null], 1);
  put("19:20:00", ["purchase"], 463_440);
  put("19:30:00", ["click"], 7);
  assert.deepEqual(await ask({}), {
    rule_id: "r",
    from: "2026-01-16T19:35:00Z",
    to: "2026-01-17T19:35:00Z",
    count: 4,
    data: [
      {
        window_start: "2026-01-17T19:30:00Z",
        event_type: "click",
        value: 7,
        window_end: "2026-01-17T19:40:00Z",
        final: false,
      },
      {
        window_start: "2026-01-17T19:30:00Z",
        event_type: "view",
        value: 2,
        window_end: "2026-01-17T19:40:00Z",
        final: false,
      },
      {
        window_start: "2026-01-17T19:30:00Z",
        event_type: null,
        value: 1,
        window_end: "2026-01-17T19:40:00Z",
        final: false,
      },
      {
        window_start: "2026-01-17T19:20:00Z",
        event_type: "purchase",
        value: 463_440,
        window_end: "2026-01-17T19:30:00Z",
        final: true,
      },
    ],
    version: 1,
    complete: true,
    lag_ms: 5,
  });
});

test("a page ends at the last row that a cursor can name; one without such a row is refused", async () => {
  const { ask, put } = setUp();
  const long = "x".repeat(9000);
  for (const group of ["a", "b", `c${long}`, `d${long}`, "e"]) put("19:30:00", [group], 1);
  const groups = async (raw: RawParameters) => {
    const { data, next_cursor: cursor } = await ask(raw);
    return { groups: data.map((row) => (row["event_type"] as string).slice(0, 1)).join(""), cursor };
  };
  const first = await groups({ limit: "4" });
  assert.equal(first.groups, "ab");
  assert.deepEqual(await groups({ limit: "4", cursor: first.cursor }), { groups: "cde", cursor: undefined });
  assert.deepEqual(await groups({}), { groups: "abcde", cursor: undefined });
  const [problem] = await problems(ask({ limit: "1", cursor: first.cursor }));
  assert.deepEqual([problem?.path, problem?.value], ["limit", 1]);
});

test("a window is final when it has ended and waited for late events", async () => {
  for (const [lateness, final] of [
    [300, true],
    [301, false],
  ] as const) {
    const { ask, put } = setUp([], 600, lateness);
    put("19:15:00", [], 1);
    assert.deepEqual(
      (await ask({})).data.map((row) => row.final),
      [final],
    );
  }
});

test("the span takes its start and leaves its end", async () => {
  const { ask, put } = setUp([]);
  for (const time of ["19:00:00", "19:10:00", "19:20:00"]) put(time, [], 1);
  const answer = await ask({
    start_time: "2026-01-17T21:00:00+02:00",
    end_time: String(at("19:20:00")),
    order: "oldest",
  });
  assert.deepEqual(
    answer.data.map((row) => row.window_start),
    ["2026-01-17T19:00:00Z", "2026-01-17T19:10:00Z"],
  );
});

test("an offset whose plus sign became a space is understood", async () => {
  const { ask } = setUp();
  assert.equal((await ask({ start_time: "2026-01-17T02:00:00 02:00" })).from, "2026-01-17T00:00:00Z");
});

test("without times a window that is longer than a day is found too", async () => {
  const { ask, store } = setUp([], 7 * 86_400);
  const week = 7 * 86_400_000;
  store.set(16, { windowStart: now - (now % week), group: [], value: 3 });
  assert.equal((await ask({})).count, 1);
});

test("group keys filter by equality, with `group.` before payload paths", async () => {
  const { ask, put } = setUp(["event_type", "payload.country"]);
  put("19:30:00", ["click", "DE"], 1);
  put("19:30:00", ["click", "FR"], 2);
  put("19:30:00", ["view", "DE"], 3);
  const values = async (raw: RawParameters): Promise<unknown[]> => (await ask(raw)).data.map((row) => row.value);
  assert.deepEqual(await values({ event_type: "click", "group.payload.country": "DE" }), [1]);
  assert.deepEqual(await values({ "group.event_type": "view" }), [3]);
  assert.deepEqual(await values({ event_type: "none" }), []);
});

test("null_group asks for groups without a value, which no text means", async () => {
  const { ask, put } = setUp(["event_type", "payload.country", "payload.null"]);
  put("19:30:00", ["click", null, "a"], 1);
  put("19:30:00", ["click", "", "a"], 2);
  put("19:30:00", ["click", "null", null], 3);
  put("19:30:00", ["view", null, null], 4);
  const values = async (raw: RawParameters): Promise<unknown[]> => (await ask(raw)).data.map((row) => row.value);
  assert.deepEqual(await values({ null_group: "payload.country" }), [1, 4]);
  assert.deepEqual(await values({ null_group: "payload.country", event_type: "click" }), [1]);
  assert.deepEqual(await values({ null_group: ["payload.null", "payload.country"] }), [4]);
  assert.deepEqual(await values({ "group.payload.country": "" }), [2]);
  assert.deepEqual(await values({ "group.payload.country": "null" }), [3]);
});

test("null_group takes keys of the rule, each asked for once", async () => {
  const { ask } = setUp(["event_type", "payload.country"]);
  const messages = async (raw: RawParameters): Promise<string[]> =>
    (await problems(ask(raw))).map(({ path, message }) => `${path} ${message}`);
  const unknown = "null_group is not a group key of this rule;";
  assert.deepEqual(await messages({ null_group: "group.payload.country" }), [
    `${unknown} did you mean payload.country?`,
  ]);
  assert.deepEqual(await messages({ null_group: ["payload.countri", ""] }), [
    `${unknown} did you mean payload.country?`,
    `${unknown} its keys are event_type, payload.country`,
  ]);
  const again = "null_group asks for payload.country a second time";
  assert.deepEqual(await messages({ null_group: ["payload.country", "payload.country"] }), [again]);
  assert.deepEqual(await messages({ null_group: "payload.country", "group.payload.country": "DE" }), [again]);
  assert.match(String(await messages({ null_group: Array.from({ length: 9 }, () => "event_type") })), /8 items/);
  assert.deepEqual(await messages({ nul_group: "payload.country" }), [
    "nul_group is not a known parameter; did you mean null_group?",
  ]);
});

/** The rule, with a window of one group at each of these times, all of which has been counted. */
function withWindows(...times: readonly string[]) {
  const { store, rules } = setUp();
  for (const time of times) store.set(16, { windowStart: at(time), group: ["a"], value: 1 });
  const { version, rule } = rules.answering(rules.get("r"));
  return { store, progress: { countedThrough: () => now, lagMs: () => 0 }, version, rule };
}

test("a cursor belongs to one reading of a series; what a later version keeps no longer is not answered", async () => {
  const { store, progress, version, rule } = withWindows("18:00:00", "19:00:00", "19:20:00");
  const later = { version: { ...version, version: 2 }, rule: { ...rule, spec: { ...rule.spec, top_n: 1 }, topN: 1 } };
  const raw = { rule_id: "r", limit: "1" };
  const { next_cursor: cursor } = await stats(raw, { version, rule }, { store, progress }, { now: () => now });
  assert.equal(
    (await problems(stats({ ...raw, cursor }, later, { store, progress }, { now: () => now })))[0]?.path,
    "cursor",
  );
  const keeper = { ...rule, retentionSeconds: 3600 };
  const kept = await stats({ rule_id: "r" }, { version, rule, keeper }, { store, progress }, { now: () => now });
  assert.deepEqual([kept.from, kept.count], ["2026-01-17T18:30:00Z", 2]);
});

test("where others count by rules that are not known here nothing is called complete or final", async () => {
  const { store, progress, version, rule } = withWindows("19:00:00");
  let knows = true;
  const ask = async () => {
    const sources = { store, progress, knowsRules: () => knows };
    const { complete, data } = await stats({ rule_id: "r" }, { version, rule }, sources, {
      now: () => now,
    });
    return [complete, data[0]?.final];
  };
  assert.deepEqual(await ask(), [true, true]);
  store.before = async () => void (knows = false);
  assert.deepEqual(await ask(), [false, false], "heard while it was read");
  store.before = async () => void (knows = true);
  assert.deepEqual(await ask(), [false, false], "heard before");
  assert.deepEqual(await ask(), [true, true]);
});

test("windows that expire while they are read are not answered: a part of them may have gone", async () => {
  const { store, progress, version, rule } = withWindows("18:20:00", "18:30:00", "18:40:00");
  const kept = { version, rule: { ...rule, retentionSeconds: 3600 } };
  let passed = 0;
  store.before = async () => void (passed += 10 * minute);
  const ask = (raw: RawParameters) =>
    stats({ rule_id: "r", ...raw }, kept, { store, progress }, { now: () => now + passed });
  const all = await ask({});
  assert.deepEqual(
    [all.from, all.data.map(({ window_start }) => window_start)],
    ["2026-01-17T18:40:00Z", ["2026-01-17T18:40:00Z"]],
  );
  passed = 0;
  // The page is shorter, and the next one begins where it would have.
  const page = await ask({ limit: "1", order: "oldest" });
  assert.deepEqual([page.count, typeof page.next_cursor], [0, "string"]);
  const next = await ask({ limit: "1", order: "oldest", cursor: page.next_cursor });
  assert.deepEqual([next.count, next.next_cursor], [0, undefined]);
});

test("the year 9999 is the last that can be asked for", async () => {
  const { ask } = setUp();
  assert.equal((await ask({ start_time: "0", end_time: "253402300799999" })).to, "9999-12-31T23:59:59.999Z");
  assert.equal((await problems(ask({ start_time: "0", end_time: "253402300800000" })))[0]?.path, "end_time");
});

test("every mistake is named at once", async () => {
  const { ask } = setUp();
  const found = await problems(
    ask({
      limit: "0",
      start_time: "soon",
      order: "up",
      user_id: "u",
      lmit: "5",
      "group.payload.x": "1",
      end_time: ["a", "b"],
      cursor: "x",
    }),
  );
  assert.deepEqual(found.map(({ path }) => path).toSorted(), [
    "cursor",
    "end_time",
    "group.payload.x",
    "limit",
    "lmit",
    "order",
    "start_time",
    "user_id",
  ]);
  const text = JSON.stringify(found);
  assert.match(text, /did you mean limit\?/);
  assert.match(text, /can be filtered by event_type/);
});

test("a span that ends before it starts is refused", async () => {
  const { ask } = setUp();
  assert.deepEqual(
    (await problems(ask({ start_time: "2026-01-17T19:00:00Z", end_time: "2026-01-17T19:00:00Z" })))[0]?.path,
    "end_time",
  );
});

test("a cursor that was edited is refused", async () => {
  const { ask, put } = setUp([]);
  for (const time of ["19:00:00", "19:10:00"]) put(time, [], 1);
  const raw = { limit: "1", fill: "zero" };
  const { next_cursor: cursor = "" } = await ask(raw);
  const parts = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
  assert.equal(parts.length, 7);
  for (const index of [1, 2, 3, 4, 6])
    for (const value of [timeMax + 1, Number.MAX_SAFE_INTEGER]) {
      const edited = Buffer.from(JSON.stringify(parts.with(index, value))).toString("base64url");
      const found = await problems(ask({ ...raw, cursor: edited }));
      assert.deepEqual(
        found.map(({ path }) => path),
        ["cursor"],
        `${index}: ${value}`,
      );
    }
});

test("a cursor of another query is refused", async () => {
  const { ask, put, rules } = setUp();
  put("19:30:00", ["a"], 1);
  put("19:20:00", ["a"], 1);
  const cursor = (await ask({ limit: "1" })).next_cursor;
  assert.equal((await ask({ limit: "5", cursor })).count, 1);
  for (const other of [{ event_type: "a" }, { order: "oldest" }, { start_time: "2026-01-17T00:00:00Z" }]) {
    assert.equal((await problems(ask({ cursor, ...other })))[0]?.path, "cursor");
  }
  rules.set({ rule_id: "r" });
  assert.equal((await problems(ask({ cursor })))[0]?.path, "cursor");
});

test("a rule that is being filled says so and calls nothing final; a pending one has no windows", async () => {
  const { ask, put, rules, store } = setUp();
  put("19:00:00", ["a"], 1);
  rules.set({ rule_id: "r", version: 1, series: 16, phase: "filling" });
  const filling = await ask({});
  assert.equal(filling.complete, false);
  assert.deepEqual(
    filling.data.map((row) => row.final),
    [false],
  );
  rules.set({ rule_id: "r", version: 1, series: 16, phase: "pending" });
  store.reads = [];
  assert.equal((await ask({})).count, 0);
  assert.deepEqual(store.reads, []);
});

test("pages put together are the whole, in either order and for any limit", async () => {
  const group = fc.tuple(fc.option(fc.constantFrom("", "a", "b", "B", "ä")), fc.option(fc.constantFrom("x", "y")));
  const row = fc.record({
    windowStart: fc.integer({ min: 0, max: 20 }).map((index) => at("12:00:00") + index * 10 * minute),
    group,
    value: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom("newest", "oldest"),
      async (rows, limit, order) => {
        const { ask, store } = setUp(["event_type", "payload.x"]);
        for (const one of rows) store.set(16, one);
        const whole = await ask({ limit: "10000", order });
        const pages: unknown[] = [];
        let cursor: string | undefined;
        do {
          const page = await ask({ limit: String(limit), order, ...(cursor === undefined ? {} : { cursor }) });
          pages.push(...page.data);
          cursor = page.next_cursor;
        } while (cursor !== undefined);
        assert.deepEqual(pages, whole.data);
        assert.equal(whole.next_cursor, undefined);
      },
    ),
  );
});

test("the overflow has null for every key and says what it is; a page can end at it", async () => {
  const { ask, put } = setUp(["event_type", "user_id"]);
  put("19:30:00", [], 40);
  put("19:20:00", [null, null], 2);
  const { data, next_cursor } = await ask({ limit: 1 });
  assert.deepEqual(
    data.map(({ event_type, user_id, value, overflow }) => [event_type, user_id, value, overflow]),
    [[null, null, 40, true]],
  );
  const next = await ask({ limit: 1, cursor: next_cursor });
  assert.deepEqual([next.data[0]?.value, "overflow" in next.data[0]!], [2, false]);
});

test("a version that can't be one hides no other mistake", () => {
  const raw = { rule_id: "r", version: "x", start_time: "y", end_time: "z", order: "up" };
  assert.throws(
    () => versionOf(raw),
    (error) => {
      assert.ok(error instanceof WeirError && Array.isArray(error.details));
      const paths = error.details.map(({ path }: { path: string }) => path).toSorted();
      assert.deepEqual(paths, ["end_time", "order", "start_time", "version"]);
      return true;
    },
  );
  assert.equal(versionOf({ rule_id: "r", start_time: "y" }), undefined);
});
