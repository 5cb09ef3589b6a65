import assert from "node:assert/strict";
import { test } from "node:test";
import { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import { parseRule } from "../../rule/parse.ts";
import type { Connection, RowBounds } from "./connection.ts";
import { Questions } from "./questions.ts";

const parsed = parseRule({ rule_id: "r", metric: "count", window_size: "1000s", hop: "1s", having: "value > 5" });
assert.ok(parsed.ok);
const year = 31_536_000_000;
const query = { series: 16, rule: parsed.rule, from: 0, to: year, filters: [], order: "newest", limit: 100 } as const;

/** An engine that takes a second for each statement, finds a pane wherever it is asked for one, and windows nowhere. */
function slowEngine() {
  let now = 0;
  const given: number[] = [];
  const rowsWithin = async ({ secondsMax }: RowBounds, { sql, parameters }: Statement): Promise<unknown[]> => {
    given.push(secondsMax ?? 0);
    now += 1000;
    return /AS first/.test(sql) ? [{ first: Number(parameters["r_pane1"]) * 1000 - 1000 }] : [];
  };
  const connection = { rowsWithin } as unknown as Connection;
  const options = { connection, clock: { monotonic: () => now }, tableBytesMax: 1, rowsBytesMax: 1 };
  return { questions: new Questions(options), given };
}

test("a question of many statements has the time of one, and says so when it is over", async () => {
  for (const [secondsMax, statements] of [
    [undefined, 30],
    [20, 20],
    [90, 30],
  ] as const) {
    const { questions, given } = slowEngine();
    await assert.rejects(questions.windows(query, secondsMax), { code: "timeout", message: /shorter span/ });
    assert.deepEqual(
      given,
      Array.from({ length: statements }, (_, at) => statements - at),
    );
  }
});

test("events and rejects that take too long, or too much memory, are told as that, with what to do", async () => {
  const failing = (code: string) => {
    const cause = Object.assign(new Error("exceeded"), { code });
    const rowsWithin = () => Promise.reject(new WeirError("store_unavailable", "the store can't answer", { cause }));
    const connection = { rowsWithin } as unknown as Connection;
    return new Questions({ connection, clock: { monotonic: () => 0 }, tableBytesMax: 1, rowsBytesMax: 1 });
  };
  const events = { from: 0, to: year, limit: 10 };
  for (const [code, told] of [
    ["159", "timeout"],
    ["241", "too_costly"],
  ] as const) {
    await assert.rejects(failing(code).events(events), { code: told, message: /events.*start_time and end_time/ });
    await assert.rejects(failing(code).rejects({ limit: 10 }), { code: told, message: /rejects.*lower limit/ });
  }
  await assert.rejects(failing("210").events(events), { code: "store_unavailable" });
});

test("finding where a table's page ends has no more time than that", async () => {
  const { questions, given } = slowEngine();
  const table = { ...query, format: "csv", finalThrough: 0 } as const;
  await assert.rejects(questions.windowTable(table, new AbortController().signal), { code: "timeout" });
  assert.equal(given.length, 30);
});
