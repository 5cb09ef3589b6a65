import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EmbeddedEngine, openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import { rawRow } from "../../../test/support/raw-rows.ts";
import { planRollup } from "../../rollup/plan.ts";
import { renderRollup } from "../../rollup/render.ts";
import { countByType, range, start } from "../store-samples.suite.ts";
import { newestRanges } from "./newest-ranges.ts";

let engine: EmbeddedEngine;
before(async () => {
  engine = await openEmbeddedEngine();
});
after(() => engine.close());

test("newest positions hold their share of events, however far these lie apart", async () => {
  const dense = [10, 11, 12, 13, 14, 15];
  const sparse = [0, 5, 2 ** 14, 2 ** 14 + 1, 9 * 2 ** 14, 400 * 2 ** 14];
  await counted(1, dense, 20);
  await counted(2, sparse, 401 * 2 ** 14);
  await counted(3, [], 7);
  const ends = { 1: 20, 2: 401 * 2 ** 14, 3: 7 };
  assert.deepEqual(await newestRanges(engine.connection, 9), [
    range(1, 13, ends[1]),
    range(2, 2 ** 14 + 1, ends[2]),
    range(3, 0, ends[3]),
  ]);
  assert.deepEqual(await newestRanges(engine.connection, 18), [
    range(1, 0, ends[1]),
    range(2, 0, ends[2]),
    range(3, 0, ends[3]),
  ]);
});

/** Events at these offsets are stored, and everything up to `end` is counted. */
async function counted(src: number, offsets: readonly number[], end: number): Promise<void> {
  const rows = offsets.map((off) =>
    JSON.stringify(rawRow({ event_id: `${src} ${off}`, ...sample, timestamp: start, receivedAt: start }, src, off)),
  );
  if (rows.length > 0)
    await engine.connection.insert("INSERT INTO raw_events FORMAT JSONEachRow", Buffer.from(rows.join("\n")));
  const marks = [{ key: `0:${src}:0-${end}` }];
  const plan = planRollup([{ series: 16, rule: countByType }]);
  await engine.connection.write(renderRollup(plan, range(src, 0, end), { marks, counts: null, whole: "weir" }));
}

const sample = { event_type: "click", user_id: "u", payload: {} };
