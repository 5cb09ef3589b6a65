import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { src } from "../../event/position.ts";
import { WeirError } from "../../lib/errors.ts";
import { selectNamed, selectRunning } from "./claim-statements.ts";
import { embeddedFacts, serverFacts } from "./facts.ts";
import { schemaSteps } from "./schema-steps.ts";
import { type FoundTable, completingStatements, stepsTable } from "./schema.ts";
import { mustBeRecent, mustHaveShards } from "./trouble.ts";

const columns = [{ name: "series", type: "UInt32" }];
const kinds = { embedded: embeddedFacts("spool"), plain: serverFacts(), replicated: serverFacts("main") };
const whom = { address: "http://host:8123", user: "weir", database: "weir" };

/** Where each table is made, and of which family. */
function made(kind: keyof typeof kinds): string[] {
  const facts = kinds[kind];
  const statements = [stepsTable(facts), ...schemaSteps.flatMap((step) => step.statements(facts, columns))];
  return statements.map((sql) => {
    const [, head, engine] = /^CREATE TABLE IF NOT EXISTS (.*?) \([^]*ENGINE = (\w+) /.exec(sql) ?? [];
    return `${head}: ${engine}`;
  });
}

describe("what the facts make of the schema", () => {
  const plain = [
    "schema_steps: MergeTree",
    "raw_events: MergeTree",
    "rollups: AggregatingMergeTree",
    "rejects: MergeTree",
    "erasing: MergeTree",
    "claims: MergeTree",
  ];
  test("the embedded engine and a server have plain tables", () => {
    assert.deepEqual(made("embedded"), plain);
    assert.deepEqual(made("plain"), plain);
  });

  test("a cluster has replicated ones everywhere, at the server's default path", () => {
    assert.deepEqual(
      made("replicated"),
      plain.map((one) => one.replace(": ", " ON CLUSTER `main`: Replicated")),
    );
  });

  test("no step takes anything away", () => {
    for (const step of schemaSteps)
      for (const sql of step.statements(kinds.replicated, columns))
        assert.match(sql, /^(CREATE TABLE IF NOT EXISTS|ALTER TABLE \w+( ON CLUSTER `\w+`)? ADD) /);
  });

  test("what is lacking is added everywhere", () => {
    const found: FoundTable[] = [{ name: "rollups", columns: [], engine: "AggregatingMergeTree SETTINGS a = 1" }];
    const statements = completingStatements(found, columns, kinds.replicated);
    assert.equal(statements[0], "ALTER TABLE rollups ON CLUSTER `main` ADD COLUMN IF NOT EXISTS series UInt32");
    assert.match(
      statements[1] ?? "",
      /^ALTER TABLE rollups ON CLUSTER `main` MODIFY SETTING .*merge_max_block_size = 512/,
    );
    assert.match(completingStatements(found, columns, kinds.plain)[0] ?? "", /^ALTER TABLE rollups ADD COLUMN/);
  });
});

test("what is written to replicas is there when it is read from another, and is not taken for a repeat", () => {
  const { pinned, pinnedOfWrites } = kinds.replicated;
  assert.equal(pinned["select_sequential_consistency"], 1);
  assert.deepEqual(
    ["insert_quorum", "insert_quorum_parallel", "deduplicate_insert", "deduplicate_insert_select"].map(
      (name) => pinnedOfWrites[name],
    ),
    ["auto", 0, "disable", "disable"],
  );
  assert.equal("insert_quorum" in kinds.plain.pinnedOfWrites, false);
  assert.equal("select_sequential_consistency" in kinds.plain.pinned, false);
  assert.deepEqual([kinds.embedded.pinned, kinds.embedded.pinnedOfWrites], [{}, {}]);
});

test("what runs is looked for on every server of a cluster", () => {
  const claim = { src: src(3), writer: "w" };
  const one = selectRunning({ database: "d", cluster: null }, claim, ["x"]);
  assert.match(one.sql, /FROM system\.processes\b/);
  assert.deepEqual(one.parameters, { all: "weir.d.3.", own: "weir.d.3.w.", ours: ["x"] });
  const all = selectRunning({ database: "d", cluster: "main" }, claim, []);
  assert.match(all.sql, /FROM clusterAllReplicas\('main', system\.processes\)/);
  assert.match(selectNamed("main", []).sql, /clusterAllReplicas\('main', system\.processes\)/);
});

test("versions are old or not by their first two numbers", () => {
  const isTaken = (version: string): boolean => {
    try {
      mustBeRecent(version, whom);
      return true;
    } catch (error) {
      assert.ok(error instanceof WeirError && error.code === "store_unfit" && error.message.includes(version));
      return false;
    }
  };
  const versions = ["26.3.1.1", "26.10.2", "27.1", "26.2.9.9", "25.12.1", "", "dev"];
  assert.deepEqual(versions.map(isTaken), [true, true, true, false, false, false, false]);
});

test("a cluster has as many shards as there are addresses, or is refused by name", () => {
  mustHaveShards(1, 1, "main", whom);
  assert.throws(() => mustHaveShards(0, 1, "main", whom), /the cluster main: .* knows no cluster of that name/);
  assert.throws(() => mustHaveShards(3, 2, "main", whom), /has 3 shards in it, and --clickhouse-url has 2 addresses/);
});
