import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EmbeddedEngine, openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import { writeTopKGroups } from "../../../test/support/top-k-groups.ts";
import { systemClock } from "../../lib/clock.ts";
import { parseRule } from "../../rule/parse.ts";
import { Questions } from "./questions.ts";

/** The states of all groups are more than half of it while they are in memory. */
const memoryMax = 1024 * 2 ** 20;
const [parts, groupsOfPart] = [12, 500];

let engine: EmbeddedEngine;
let questions: Questions;
const signal = new AbortController().signal;
const parsed = parseRule({
  ...{ rule_id: "r", metric: "top_k", field: "payload.v", window_size: "1h", group_by: ["payload.a"] },
});
assert.ok(parsed.ok);
const all = { series: 16, rule: parsed.rule, from: 0, to: 4e12, filters: [], order: "newest", limit: 10_000 } as const;
const one = { ...all, filters: [{ key: 0, value: "77" }] };

before(async () => {
  engine = await openEmbeddedEngine({ memoryMax });
  const { connection } = engine;
  questions = new Questions({ connection, clock: systemClock, tableBytesMax: 2 ** 27, rowsBytesMax: 2 ** 26 });
  // A merge takes memory as well, and then it would be the engine that has too little.
  await connection.write({ sql: "SYSTEM STOP MERGES rollups", parameters: {} });
  for (let part = 0; part < parts; part++)
    await writeTopKGroups(connection, { from: part * groupsOfPart, count: groupsOfPart, value: "x" });
});
after(() => engine.close());

test("a question that takes more of the engine's memory than one may is told so, and what to ask for; one for less is answered", async () => {
  const told = { code: "too_costly", message: /more memory than a question may have; ask for .*group\.KEY=VALUE/ };
  await assert.rejects(questions.windows(all), told);
  assert.equal((await questions.windows(one)).length, 1);
  const table = { format: "csv", finalThrough: 0 } as const;
  const read = async (query: typeof all | typeof one): Promise<unknown> =>
    (await questions.windowTable({ ...query, ...table }, signal)).read(signal);
  await assert.rejects(read(all), told);
  assert.ok(await read(one));
});
