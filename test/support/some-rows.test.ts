import assert from "node:assert/strict";
import { test } from "node:test";
import { offset, src } from "../../src/event/position.ts";
import { insertBody } from "../../src/store/clickhouse/insert-rows.ts";
import { encodeRejects, rejectRows } from "../../src/store/clickhouse/rejects.ts";
import { rawRows } from "../../src/store/clickhouse/row-binary.ts";
import { seeded } from "./random.ts";
import { someRows } from "./some-rows.ts";

const reject = (off: number) => ({
  ...{ src: src(0), off: offset(off), receivedAt: 1, rejectedAt: 2, reason: "why" },
  ...{ event_id: "e".repeat(off * 100), event_type: "t", user_id: "u", timestamp: 3, payload: "{}" },
});

test("some rows are whole ones, at least one and not all, with a claim and without", () => {
  const rows = [1, 2, 3].map((off) => encodeRejects([reject(off)]));
  const wholes = [rows.slice(0, 1), rows.slice(0, 2)].map((some) => Buffer.concat(some).toString("hex"));
  for (const claim of [undefined, { src: src(0), term: 1, writer: "w" }]) {
    const { sql } = insertBody(rejectRows, claim);
    const cut = Array.from({ length: 20 }, (_, seed) =>
      someRows(sql, Buffer.concat(rows), seeded(seed))?.toString("hex"),
    );
    assert.deepEqual(new Set(cut), new Set(wholes));
    assert.equal(someRows(sql, rows[0]!, seeded(1)), undefined);
  }
  assert.equal(someRows("INSERT INTO rollups SELECT 1", Buffer.alloc(0), seeded(1)), undefined);
});

test("the types of raw rows are known", () => {
  const { sql } = insertBody(rawRows, undefined);
  const row = Buffer.alloc(2 + 8 + 8 + 8 + 4);
  assert.equal(someRows(sql, Buffer.concat([row, row]), seeded(1))?.length, row.length);
});
