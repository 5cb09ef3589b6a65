import assert from "node:assert/strict";
import { test } from "node:test";
import type { Statement } from "../../rollup/statement.ts";
import { Erasing } from "./erasing.ts";
import { type Settings, embeddedFacts, serverFacts } from "./facts.ts";
import { readSettings } from "./statement-settings.ts";

/** What an erasing of a few events writes. No cluster can be run here: these are tests of what is asked, in which order. */
async function written(cluster: string | null): Promise<readonly string[]> {
  const statements: string[] = [];
  let left = 1;
  const erasing = new Erasing({
    rows: async <Row>() => [{ events: left-- > 0 ? 3 : 0, src: 0, off: 9 } as Row],
    write: async ({ sql }: Statement) => void statements.push(sql),
    facts: cluster === null ? embeddedFacts("/nowhere") : serverFacts(cluster),
    whom: { address: "", user: "", database: "weir" },
  });
  await erasing.eraseNoted(["e"]);
  return statements;
}

test("a server is told to keep no statement that has a person's values in it", async () => {
  const settings: (Settings | undefined)[] = [];
  const erasing = new Erasing({
    rows: async <Row>() => [{ events: 0, src: 0, off: 0 } as Row],
    write: async (_: Statement, more?: Settings) => void settings.push(more),
    ...{ facts: serverFacts(), whom: { address: "", user: "", database: "weir" } },
  });
  await erasing.note("e", { by: "user_id", values: ["ann"], below: { 0: 1 } });
  assert.deepEqual(
    [...settings, readSettings].map((one) => one?.log_queries),
    [0, 0],
  );
});

test("on a cluster every replica has all positions before any deletes by them", async () => {
  const [sync, ...deletions] = await written("main");
  assert.equal(sync, "SYSTEM SYNC REPLICA ON CLUSTER `main` weir.erasing");
  assert.deepEqual(deletions, await written(null));
  // Without it a replicated table refuses a deletion that looks something up: code 36.
  for (const sql of deletions) assert.match(sql, /^ALTER TABLE \w+ DELETE[^]+allow_nondeterministic_mutations = 1$/);
});
