import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allStats, postCounted, putRule, rulesSettled } from "../support/api.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

const hour = Date.UTC(2026, 0, 13, 10);
const count = { window_size: "1h", metric: "count", group_by: [] };
const nobody = { rule_id: "nobody", ...count, filter: 'event_type == "nothing"' };

/** A data folder of which parts were lost, or come from an older backup than the others. */
describe("parts of a data folder from different moments", () => {
  let folder: string;
  const newer = (): string => join(folder, "newer");
  const older = (): string => join(folder, "older");

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "weir-mixed-"));
    await serving(newer(), async (server) => {
      await putRule(server.queryUrl, { rule_id: "all", ...count });
      await postCounted(server.ingestUrl, events(0, 50));
    });
    await cp(newer(), older(), { recursive: true });
    await serving(newer(), async (server) => {
      await putRule(server.queryUrl, { rule_id: "all", ...count, window_size: "2h" });
      await rulesSettled(server.queryUrl);
      await postCounted(server.ingestUrl, events(50, 80));
      // Its fill leaves marks and no rows.
      await putRule(server.queryUrl, nobody);
      await rulesSettled(server.queryUrl);
    });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A copy of the newer folder in which this part is the older one, or missing. */
  async function mixed(part: string, from: string | null): Promise<string> {
    const dataDir = await mkdtemp(join(folder, "mixed-"));
    await cp(newer(), dataDir, { recursive: true });
    await rm(join(dataDir, part), { recursive: true });
    if (from !== null) await cp(join(from, part), join(dataDir, part), { recursive: true });
    return dataDir;
  }

  for (const [name, part, isOlder, said] of [
    ["a store that is gone", "engine", false, /has counted partition 0 up to offset 0, but the log was told of 80/],
    ["a store that is older", "engine", true, /has counted partition 0 up to offset 50, but the log was told of 80/],
    ["a log that is gone", "log", false, /log of partition 0 ends at offset 0, but the store has counted up to 80/],
    ["a log that is older", "log", true, /log of partition 0 ends at offset 50, but the store has counted up to 80/],
  ] as const)
    test(`${name} is refused, with what is behind and what to do`, async () => {
      const dataDir = await mixed(part, isOlder ? older() : null);
      const error = await serving(dataDir, async () => {}).catch((thrown: unknown) => String(thrown));
      assert.match(String(error), /code 2/);
      assert.match(String(error), said);
      assert.match(String(error), /Restore the data folder as a whole/);
    });

  test("rules that are older have all windows made anew", async () => {
    await serving(await mixed("rules.sqlite", older()), async (server) => {
      await rulesSettled(server.queryUrl);
      await postCounted(server.ingestUrl, events(80, 90));
      assert.deepEqual(await values(server, "all"), [90]);
      assert.match(server.output(), /the rules are older than the store/);
    });
  });

  test("after rules that are gone no series is given again", async () => {
    await serving(await mixed("rules.sqlite", null), async (server) => {
      for (const rule_id of ["a", "b", "c", "d"]) await putRule(server.queryUrl, { rule_id, ...count });
      await rulesSettled(server.queryUrl);
      for (const rule_id of ["a", "b", "c", "d"]) assert.deepEqual(await values(server, rule_id), [80], rule_id);
    });
  });

  test("a folder of one moment is as it was", async () => {
    const dataDir = await mkdtemp(join(folder, "whole-"));
    await cp(newer(), dataDir, { recursive: true });
    await serving(dataDir, async (server) => {
      assert.deepEqual(await values(server, "all"), [80]);
      assert.doesNotMatch(server.output(), /older/);
    });
  });
});

async function serving(dataDir: string, use: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await startServer({ dataDir });
  try {
    await use(server);
    await server.terminate();
  } finally {
    await server.killGroup();
  }
}

const events = (from: number, to: number): object[] =>
  Array.from({ length: to - from }, (_, index) => ({
    ...{ event_id: `e${from + index}`, user_id: "u", event_type: "e", timestamp: hour },
  }));

const values = async (server: ServerProcess, ruleId: string): Promise<unknown[]> =>
  (await allStats(server.queryUrl, ruleId, hour - 3_600_000, hour + 3_600_000)).map(({ value }) => value);
