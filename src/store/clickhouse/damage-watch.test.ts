import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ClickHouseError } from "@clickhouse/client";
import { SimulatedClock } from "../../../test/support/simulated-clock.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import { DamageWatch } from "./damage-watch.ts";
import { embeddedFacts, serverFacts } from "./facts.ts";
import { asWeirError, unavailable } from "./failure.ts";
import { whereaboutsOf } from "./set-aside.ts";

const failing = (code: string, type: string, message: string): Error =>
  asWeirError(new ClickHouseError({ message, code, type }), false);
const reading = (part: string): Error =>
  failing(
    "40",
    "CHECKSUM_DOESNT_MATCH",
    `Checksum doesn't match: (while reading from part /d/${part}/ in table weir.raw_events (9057) located on disk)`,
  );

type Block = [partition: string, low: number, high: number, rows?: number, written?: number];

/** An engine with these active parts; `byRows` answers what is asked of the rows. */
const engineWith = (blocks: readonly Block[], facts = serverFacts(), byRows = 0) => {
  const state = {
    setAside: [] as string[],
    parts: new Set<string>(),
    error: undefined as Error | undefined,
    countedTo: 9 as number | undefined,
    partitions: 1,
    lists: 0,
  };
  const rows = async ({ sql, parameters }: Statement): Promise<unknown[]> => {
    if (sql.includes("detached_parts")) {
      if (state.error !== undefined) throw state.error;
      return state.setAside.map((name) => setAside(name));
    }
    if (sql.includes("system.parts")) state.lists += 1;
    if (sql.includes("system.parts"))
      return ["raw_events", "rollups"].flatMap((table) =>
        blocks.map(([partition, low, high, has = 1, at = 0]) => ({
          ...{ table, partition, low, high, rows: has },
          written: at,
        })),
      );
    if (sql.includes("AS one")) return [{ one: state.partitions === 1 ? 1 : 0 }];
    if (sql.includes("range_to")) return state.countedTo === undefined ? [] : [{ range_to: state.countedTo }];
    if (sql.includes("_partition_id")) return [{ found: byRows }];
    return state.parts.has(String(parameters["part"])) ? [{}] : [];
  };
  return { connection: { rows, facts } as unknown as Connection, state };
};

function setAside(name: string, path = `/d/${name}`, engine = "MergeTree", table = "raw_events") {
  const [, partition = "", low, high] = /^broken-on-start_(.+?)_(\d+)_(\d+)_/.exec(name)!;
  const blocks = { partition, low: Number(low), high: Number(high), written: 5 };
  return { name, table, ...blocks, full_name: `weir.${table}`, path, engine };
}

test("what a part was merged of is there when all of its blocks are, in parts of its own partition", async () => {
  const of = (blocks: readonly Block[], name = "broken-on-start_p_2_9_1", engine = "MergeTree") =>
    whereaboutsOf(engineWith(blocks).connection, setAside(name, "/d", engine));
  assert.equal(await of([["p", 2, 9]]), "elsewhere");
  assert.equal(
    await of([
      ["p", 2, 4],
      ["p", 5, 9],
    ]),
    "elsewhere",
  );
  assert.equal(
    await of([
      ["p", 2, 4],
      ["q", 5, 6],
      ["", 7, 7],
      ["p", 8, 9],
    ]),
    "unknown",
    "what lies between may be others', or what is missing",
  );
  assert.equal(await of([["p", 2, 9, 1, 6]]), "unknown", "a number may be given anew");
  assert.equal(await of([["p", 2, 9, 1, 5]]), "elsewhere", "it was merged at once");
  assert.equal(
    await of([
      ["p", 2, 4],
      ["p", 6, 9],
    ]),
    "unknown",
    "a number that is nobody's",
  );
  assert.equal(await of([["p", 2, 4]]), "missing", "its sources are partly gone");
  assert.equal(
    await of([
      ["p", 1, 1],
      ["q", 2, 9],
    ]),
    "missing",
  );
  assert.equal(await of([["p", 1, 12]]), "unknown", "it may have been merged around what is missing");
  assert.equal(await of([["p", 3, 3]], "broken-on-start_p_2_2_0"), "unknown", "it may have been written anew");
  assert.equal(await of([["p", 2, 4]], undefined, "ReplicatedMergeTree"), "unknown", "others have it");
});

test("on the engine of ours its files say how many events are to be found, and of which offsets", async () => {
  const path = await mkdtemp(join(tmpdir(), "weir-set-aside-"));
  const of = (
    blocks: readonly Block[],
    byRows = 0,
    name = "broken-on-start_p_2_9_1",
    countedTo: number | undefined = 9,
    partitions = 1,
  ) => {
    const { connection, state } = engineWith(blocks, embeddedFacts("/spool"), byRows);
    state.countedTo = countedTo;
    state.partitions = partitions;
    return whereaboutsOf(connection, setAside(name, path));
  };
  const halves: Block[] = [
    ["p", 2, 4, 5],
    ["q", 5, 8],
    ["p", 9, 9, 5],
  ];
  try {
    assert.equal(await of(halves), "missing", "the files are gone, and what lies between may have been in it");
    const whole: Block[] = [
      ["p", 2, 4],
      ["p", 5, 9],
    ];
    assert.equal(await of(whole), "elsewhere", "the files are gone, the blocks are there");
    assert.equal(await of([], 1, "broken-on-start_p_2_2_0"), "missing", "nobody knows what it had");
    await writeFile(join(path, "count.txt"), "10");
    assert.equal(await of(halves), "elsewhere");
    await writeFile(join(path, "count.txt"), "11");
    assert.equal(await of(halves), "missing");
    await writeFile(join(path, "minmax_off.idx"), Buffer.alloc(16));
    assert.equal(await of([], 0, "broken-on-start_p_2_2_0"), "missing");
    assert.equal(await of([], 1, "broken-on-start_p_2_2_0"), "elsewhere");
    assert.equal(await of([], 1, "broken-on-start_p_2_2_0", 9, 2), "unknown", "another partition may have had these");
    const reused: Block[] = [["p", 2, 2, 10, 6]];
    assert.equal(await of(reused, 0, "broken-on-start_p_2_2_0"), "missing", "what was inserted later has its number");
    assert.equal(await of([], 0, "broken-on-start_p_2_2_0", -1), "elsewhere", "it is not counted: the log has it");
    const { connection, state } = engineWith([], embeddedFacts("/spool"));
    state.countedTo = undefined;
    const one = setAside("broken-on-start_p_2_2_0", path);
    assert.equal(await whereaboutsOf(connection, one), "missing", "without any mark nobody knows what is counted");
  } finally {
    await rm(path, { recursive: true });
  }
});

function watched(blocks: readonly Block[] = [], facts = serverFacts()) {
  const clock = new SimulatedClock();
  const said: string[] = [];
  const watch = new DamageWatch({ log: (level, message) => void said.push(`${level}: ${message}`) });
  const engine = engineWith(blocks, facts);
  const counts = { restarts: 0 };
  const { connection } = engine;
  const start = () => watch.start({ connection, clock, restarts: () => counts.restarts });
  return { clock, said, watch, counts, start, ...engine };
}

const missing = "broken-on-start_p_2_9_1";

test("a damaged part is told once, by the name that it has then, until the store has it no more", async () => {
  const { clock, said, watch, state, start } = watched();
  state.parts.add("202601-0_1_1_0");
  const stop = await start();
  let mended = 0;
  watch.onMended(() => (mended += 1));
  assert.equal(watch.describe(), undefined);
  for (const part of ["202601-0_1_1_0", "202601-0_1_1_0", "202601-0_1_1_0_7"]) watch.failed(reading(part) as never);
  watch.failed(asWeirError(new Error("away"), false));
  const named = (part: string): string =>
    `part ${part} of the table weir.raw_events is damaged in the store and can't be read`;
  assert.equal(watch.describe(), named("202601-0_1_1_0_7"));
  await watch.mustHaveAll();
  await clock.advance(60_000);
  assert.equal(watch.describe(), named("202601-0_1_1_0_7"), "it is there");
  state.parts.clear();
  await clock.advance(60_000);
  assert.deepEqual([watch.describe(), watch.count, mended], [undefined, 0, 1]);
  const told = (part: string): string => `error: ${named(part)}; docs/operating.md says what to do`;
  const gone = "info: a damaged part is not in the store any more";
  assert.deepEqual(said.splice(0), [told("202601-0_1_1_0"), told("202601-0_1_1_0_7"), gone]);

  // Of an index the engine names no table.
  const what = "While reading or decompressing /d/202601-0_1_1_0/primary.cidx (position: 0)";
  watch.failed(failing("271", "CANNOT_DECOMPRESS", what) as never);
  assert.match(watch.describe()!, /^part 202601-0_1_1_0 is damaged/);
  await clock.advance(60_000);
  assert.equal(watch.describe(), undefined);
  stop();
});

test("while events are missing that a part had which was set aside, nothing is made without them; what can't be told is said only", async () => {
  const { clock, said, watch, state, start } = watched();
  state.setAside = [missing];
  const stop = await start();
  await assert.rejects(watch.mustHaveAll(), {
    code: "store_damaged",
    message: /p_2_9_1 .* the events in it are missing/,
  });
  state.setAside = ["broken-on-start_p_1_1_0"];
  await clock.advance(60_000);
  await watch.mustHaveAll();
  assert.equal(watch.describe(), undefined);
  assert.match(watch.doubts()!, /p_1_1_0 .* can't be told from here$/);
  assert.deepEqual(
    said.map((line) => line.split(":")[0]),
    ["error", "warn", "info"],
  );
  stop();
});

test("where a part's events were found they stay found, whatever is deleted later", async () => {
  const blocks: Block[] = [];
  const { clock, said, watch, state, start } = watched(blocks);
  state.setAside = [missing];
  const stop = await start();
  blocks.push(["p", 1, 12]);
  await clock.advance(60_000);
  await assert.rejects(watch.mustHaveAll(), { code: "store_damaged" }, "nothing says that it is there");
  blocks.splice(0, 1, ["p", 2, 9]);
  await clock.advance(60_000);
  blocks.splice(0);
  await clock.advance(600_000);
  await watch.mustHaveAll();
  assert.equal(watch.describe(), undefined);
  assert.equal(said.length, 2);
  assert.match(said[1]!, /^info: .* what was in it is in other parts, or still in the log: it may be deleted, /);
  stop();
});

test("the list of all parts is asked for once a look, however many were set aside", async () => {
  const { clock, state, start, watch } = watched();
  state.setAside = [missing, "broken-on-start_p_12_19_1", "broken-on-start_p_22_29_1"];
  const stop = await start();
  assert.deepEqual([watch.count, state.lists], [3, 1]);
  await clock.advance(60_000);
  assert.equal(state.lists, 2);
  stop();
});

test("of windows that are set aside it is said that they may be missing, and nothing waits", async () => {
  const windows = (blocks: readonly Block[]) =>
    whereaboutsOf(
      engineWith(blocks, embeddedFacts("/spool")).connection,
      setAside(missing, "/d", "MergeTree", "rollups"),
    );
  assert.equal(await windows([["p", 2, 9]]), "elsewhere");
  for (const blocks of [[], [["p", 2, 4]], [["p", 2, 9, 1, 6]]] as Block[][])
    assert.equal(await windows(blocks), "unknown");
});

test("after each start of the engine it is looked before anything is made, and as long as it can't be seen nothing is", async () => {
  const { watch, state, start, counts } = watched();
  await assert.rejects(watch.mustHaveAll(), { code: "store_unavailable" });
  state.error = unavailable(new Error("it is away"));
  const stop = await start();
  await assert.rejects(watch.mustHaveAll(), { code: "store_unavailable" });
  state.error = undefined;
  await watch.mustHaveAll();
  state.setAside = [missing];
  await watch.mustHaveAll();
  counts.restarts += 1;
  await assert.rejects(watch.mustHaveAll(), { code: "store_damaged" });
  stop();
});

test("who may not see what was set aside is told once, and all goes on", async () => {
  const { watch, state, start, said, clock } = watched();
  state.error = failing("497", "ACCESS_DENIED", "Not enough privileges");
  const stop = await start();
  await watch.mustHaveAll();
  await clock.advance(120_000);
  assert.deepEqual(said.length, 1);
  assert.match(said[0]!, /^warn: whether the engine has set parts aside can't be seen: .*Not enough privileges/);
  stop();
});
