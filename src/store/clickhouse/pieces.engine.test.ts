import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import { WeirError } from "../../lib/errors.ts";
import { renderWindows } from "../../rollup/read.ts";
import { parseRule } from "../../rule/parse.ts";
import type { WindowQuery } from "../store.ts";
import type { Connection } from "./connection.ts";
import { withinLimits } from "./over-limit.ts";
import { pageEnd, readWindows } from "./pieces.ts";
import { type FoundWindow, placeOf } from "./window-row.ts";

const start = Date.UTC(2026, 0, 13);
const groups = 7;
/** Seconds behind the start in which events came, a group in each: dense for a while, then nothing for hours, then here and there. */
const seconds = [
  ...Array(200).keys(),
  20_000,
  20_001,
  25_000,
  ...Array.from({ length: 80 }, (_, at) => 90_000 + at * 3),
];

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;
let nextSeries = 16;

before(async () => {
  engine = await openEmbeddedEngine();
});
after(() => engine.close());

/** The query for all windows of a counting rule, a pane of which has an event in each of the seconds. */
async function counted(window: object, more: object = {}): Promise<WindowQuery> {
  const series = nextSeries++;
  const body = { rule_id: "r", metric: "count", group_by: ["payload.a"], ...window, ...more };
  const parsed = parseRule(body);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const { pane } = parsed.rule.window;
  assert.ok(pane.unit === "second");
  await engine.connection.write({
    sql: `INSERT INTO rollups (series, pane, grp, n) SELECT {series:UInt32}, toDateTime(intDiv({start:UInt32} + second, {pane:UInt32}) * {pane:UInt32}, 'UTC'),
      [toString(second % {groups:UInt32})], 1 FROM (SELECT arrayJoin({seconds:Array(UInt32)}) AS second)`,
    parameters: { series, start: start / 1000, pane: pane.count, groups, seconds },
  });
  return { series, rule: parsed.rule, from: 0, to: start * 2, filters: [], order: "newest", limit: 1_000_000 };
}

const atOnce = (query: WindowQuery): Promise<FoundWindow[]> =>
  engine.connection.rows<FoundWindow>(renderWindows(query));

describe("windows that are read in pieces", () => {
  const kinds: readonly (readonly [string, object])[] = [
    ["hopping", { window_size: "1000s", hop: "1s" }],
    ["hopping, the largest of each", { window_size: "10m", hop: "10s", top_n: 2 }],
    ["cumulative", { window_size: "1000s", window_type: "cumulative", hop: "1s" }],
    ["cumulative, chosen", { window_size: "1d", window_type: "cumulative", hop: "1h", having: "value > 5" }],
  ];
  for (const [name, window] of kinds)
    test(`are those that are read at once: ${name}`, async () => {
      const query = await counted(window);
      for (const order of ["newest", "oldest"] as const)
        for (const value of [undefined, "3", "absent"]) {
          const filters = value === undefined ? [] : [{ key: 0, value }];
          const all = await atOnce({ ...query, order, filters });
          assert.equal(all.length === 0, value === "absent");
          for (const [at, limit] of [
            [-1, 1],
            [-1, 300],
            [Math.floor(all.length / 2), 400],
            [all.length - 3, 10],
            [Math.floor(all.length / 3), 1_000_000],
          ] as const) {
            const row = all[at];
            const behind = row === undefined ? {} : { behind: placeOf(row) };
            const read = await readWindows(engine.connection, { ...query, order, filters, limit, ...behind });
            assert.deepEqual(read, all.slice(row === undefined ? 0 : at + 1).slice(0, limit));
          }
        }
      const span = { from: start + 400_000, to: start + 20_000_500 };
      for (const order of ["newest", "oldest"] as const)
        assert.deepEqual(
          await readWindows(engine.connection, { ...query, ...span, order }),
          await atOnce({ ...query, ...span, order }),
        );
    });

  test("take no more than a page of them needs, where all of them are too much", async () => {
    const query = { ...(await counted({ window_size: "1000s", hop: "1s" })), limit: 100 };
    const limits = { max_rows_to_group_by: "2000", group_by_overflow_mode: "throw", max_threads: 1 };
    const bounded: Pick<Connection, "rows"> = {
      rows: async <Row>(statement: Parameters<Connection["rows"]>[0]) => {
        const { rows } = await engine.connection.measured<Row>(statement, limits, new AbortController().signal);
        return [...rows];
      },
    };
    const expected = (await atOnce(query)).slice(0, 100);
    await assert.rejects(bounded.rows(renderWindows(query)), (error) => error instanceof WeirError);
    assert.deepEqual(await readWindows(bounded, query), expected);
    const [end, behind] = (await pageEnd(bounded, { ...query, limit: 99 }, new AbortController().signal))!;
    assert.deepEqual([end, behind], expected.slice(98));
    const few = { ...query, from: query.to - 1, limit: 10 };
    assert.deepEqual(await pageEnd(bounded, few, new AbortController().signal), []);
    const oldest = { ...query, order: "oldest" } as const;
    assert.deepEqual(await readWindows(bounded, oldest), await atOnce(oldest));
  });

  test("are looked for where their group has events, and nowhere else", async () => {
    const query = await counted({ window_size: "1000s", hop: "1s" });
    let asked = 0;
    const counting: Pick<Connection, "rows"> = {
      rows: (statement) => ((asked += 1), engine.connection.rows(statement)),
    };
    for (const order of ["newest", "oldest"] as const) {
      const filters = [{ key: 0, value: "absent" }];
      assert.deepEqual(await readWindows(counting, { ...query, order, filters }), []);
    }
    assert.equal(asked, 2);
  });

  test("or take too much all the same are refused as that, not as a store that is away", async () => {
    const query = await counted({ window_size: "1000s", hop: "1s" });
    const limits = { max_memory_usage: "1000000" };
    const reading = engine.connection.measured(renderWindows(query), limits, new AbortController().signal);
    await assert.rejects(
      withinLimits(reading),
      (error) => error instanceof WeirError && error.code === "too_costly" && /shorter span/.test(error.message),
    );
  });
});
