import assert from "node:assert/strict";
import { test } from "node:test";
import type { Statement } from "../../rollup/statement.ts";
import { Erasing } from "./erasing.ts";
import { embeddedFacts, serverFacts } from "./facts.ts";

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

test("on a cluster every replica has all positions before any deletes by them", async () => {
  const [sync, ...deletions] = await written("main");
  assert.equal(sync, "SYSTEM SYNC REPLICA ON CLUSTER main weir.erasing");
  assert.deepEqual(deletions, await written(null));
  // Without it a replicated table refuses a deletion that looks something up: code 36.
  for (const sql of deletions) assert.match(sql, /^ALTER TABLE \w+ DELETE[^]+allow_nondeterministic_mutations = 1$/);
});
