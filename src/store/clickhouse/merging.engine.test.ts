import { after, before, test } from "node:test";
import { type EmbeddedEngine, openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import { stateColumns, stateNames } from "../../rollup/metrics.ts";

/** Each state is some 150 KB while it is in memory: those of one part alone are some 450 MB. */
const memoryMax = 1024 * 2 ** 20;
const groups = 3000;

let engine: EmbeddedEngine;
before(async () => {
  engine = await openEmbeddedEngine({ memoryMax });
});
after(() => engine.close());

test("parts with thousands of groups of top_k are merged by an engine that has little memory", async () => {
  const write = (sql: string, parameters = {}): Promise<void> => engine.connection.write({ sql, parameters });
  await write("SYSTEM STOP MERGES rollups");
  for (let part = 0; part < 4; part++)
    await write(
      `INSERT INTO rollups SELECT 16, toDateTime(1768262400), [toString(number)], 1, 0, 0, ${states()}
        FROM (SELECT number, arrayReduce('approx_top_kState(10, 1000)', [toString({part:UInt8})]) AS one FROM numbers(${groups}))`,
      { part },
    );
  await write("SYSTEM START MERGES rollups");
  await write("OPTIMIZE TABLE rollups FINAL");
});

const states = (): string =>
  stateNames
    .map((name) =>
      name === "frequent"
        ? "initializeAggregation('approx_top_kMergeForEachState(10, 1000)', [one])"
        : stateColumns[name].empty,
    )
    .join(", ");
