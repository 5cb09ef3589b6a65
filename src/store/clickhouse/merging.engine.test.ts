import { after, before, test } from "node:test";
import { type EmbeddedEngine, openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import { writeTopKGroups } from "../../../test/support/top-k-groups.ts";

/** The states of one part alone are some 450 MB while they are in memory. */
const memoryMax = 1024 * 2 ** 20;
const groups = 3000;

let engine: EmbeddedEngine;
before(async () => {
  engine = await openEmbeddedEngine({ memoryMax });
});
after(() => engine.close());

test("parts with thousands of groups of top_k are merged by an engine that has little memory", async () => {
  const write = (sql: string): Promise<void> => engine.connection.write({ sql, parameters: {} });
  await write("SYSTEM STOP MERGES rollups");
  for (let part = 0; part < 4; part++)
    await writeTopKGroups(engine.connection, { from: 0, count: groups, value: String(part) });
  await write("SYSTEM START MERGES rollups");
  await write("OPTIMIZE TABLE rollups FINAL");
});
