import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { offset, src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import type { Differences } from "../store/store.ts";
import { verify } from "./verify.ts";

type Row = Differences["rows"][number];

const row = (windowStart: number, stored: string, expected: string): Row => ({
  windowStart,
  group: [],
  stored,
  expected,
});
/** Of so many that differ, those that are listed. */
const of = (different: number, ...rows: Row[]): Found => ({ different, rows });
const found = (...rows: Row[]): Found => of(rows.length, ...rows);
const nothing = found();

type Found = Omit<Differences, "compared"> & Partial<Differences>;
type Script = { readonly events?: readonly Found[]; readonly values?: readonly Found[] };

/** What is answered when the comparisons of each kind find these, one after the other; and which were made. */
async function verified({ events = [nothing], values = [nothing] }: Script) {
  const rules = new MemoryRules();
  rules.set({ rule_id: "r" });
  const left = { events: [...events], values: [...values] };
  const made: string[] = [];
  const answer = await verify(
    rules.answering(rules.get("r")),
    {
      store: {
        compare: async (_, kind) => {
          made.push(kind);
          return { compared: kind, ...(left[kind].shift() ?? assert.fail("one too many")) };
        },
      },
      written: () => [{ src: src(0), from: offset(0), to: offset(9) }],
      clock: { ...systemClock, sleep: async () => {} },
    },
    new AbortController().signal,
  );
  const { result, compared = null, different } = answer;
  const starts = answer.differences.map((one) => `${one.window_start} ${one.stored}`);
  return { result, compared, different, starts, made: made.join(" ") };
}

const equal = { result: "equal", compared: null, different: 0, starts: [] };
const unknown = { ...equal, result: "not_comparable" };
const wrong = row(0, "1", "2");
const wrongTold = { result: "different", different: 1, starts: ["1970-01-01T00:00:00Z 1"] };

test("where nothing differs, one comparison of each kind is enough", async () => {
  assert.deepEqual(await verified({}), { ...equal, made: "events values" });
});

test("what lasts over three comparisons is told, what events change meanwhile is not", async () => {
  const events = [
    found(wrong, row(60_000, "5", "4"), row(120_000, "1", "0")),
    found(wrong, row(60_000, "6", "5")),
    found(wrong, row(60_000, "6", "5")),
  ];
  const told = { ...wrongTold, compared: "events", made: "events events events" };
  assert.deepEqual(await verified({ events }), told);
});

test("a window that was only ahead is equal", async () => {
  const [first, second] = [found(row(0, "3", "2")), found(row(0, "4", "3"))];
  assert.deepEqual(await verified({ events: [first, second] }), { ...equal, made: "events events values" });
  assert.deepEqual(await verified({ values: [first, second] }), { ...equal, made: "events values values" });
});

test("a wrong value is told though events were ahead each time", async () => {
  const events = [found(row(60_000, "5", "4")), found(row(60_000, "8", "7"))];
  const values = [found(wrong, row(60_000, "9", "8")), found(wrong), found(wrong)];
  const told = { ...wrongTold, compared: "value", made: "events events values values values" };
  assert.deepEqual(await verified({ events, values }), told);
});

test("what two comparisons have found is not told as what three have", async () => {
  const lists = [found(wrong), found(wrong), found(row(0, "3", "2"))];
  assert.deepEqual(await verified({ values: lists }), { ...equal, made: "events values values values" });
});

test("where more differs each time than is listed, nothing is said, unless all of it is gone once", async () => {
  const many = (from: number): Found =>
    of(500, ...Array.from({ length: 100 }, (_, at) => row(at * 60_000, `${from + 1}`, `${from}`)));
  const events = [many(1), many(2), many(3)];
  assert.deepEqual(await verified({ events }), { ...unknown, made: "events events events" });
  assert.deepEqual(await verified({ values: events }), { ...unknown, made: "events values values values" });
  assert.equal((await verified({ events: [many(1), many(2), found(row(0, "9", "8"))] })).result, "not_comparable");
  assert.equal((await verified({ events: [many(1), many(2), nothing] })).result, "equal");
});

test("of many that last the first hundred are told", async () => {
  const listed = found(...Array.from({ length: 150 }, (_, at) => row(at * 60_000, "1", "2")));
  const { different, starts } = await verified({ events: [listed, listed, listed] });
  assert.deepEqual([different, starts.length, starts.at(-1)], [150, 100, "1970-01-01T01:39:00Z 1"]);
});

test("of many that last as many are told as can last", async () => {
  const listed = Array.from({ length: 100 }, (_, at) => row(at * 60_000, "1", "2"));
  const others = listed.with(99, row(99 * 60_000, "7", "8"));
  const events = [of(502, ...listed), of(501, ...others), of(503, ...listed)];
  const { result, different, starts } = await verified({ events });
  assert.deepEqual([result, different, starts.length], ["different", 500, 99]);
});

test("groups whose panes are compared as a whole from now on settle nothing", async () => {
  const lists = [found(wrong), { ...found(wrong), compared: "events of panes" as const }, found(wrong)];
  assert.equal((await verified({ events: lists })).result, "not_comparable");
});
