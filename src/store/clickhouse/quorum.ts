import type { Clock } from "../../lib/clock.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";

type Reader = Pick<Connection, "rows">;

const lookAgainMs = 50;

/** Where the cluster keeps the quorums of the tables that are settled by reading. */
const selectPaths: Statement = {
  sql: `SELECT concat(zookeeper_path, '/quorum') AS path FROM system.replicas
      WHERE database = currentDatabase() AND table IN ('raw_events', 'rollups', 'rejects', 'claims')`,
  parameters: {},
};

/** The part of which it is not known yet whether most replicas have it. A table has one at a time. */
const selectOpen = (path: string): Statement => ({
  sql: `SELECT extract(value, 'part_name: ([^\\n]+)') AS part FROM system.zookeeper WHERE path = {path:String} AND name = 'status'`,
  parameters: { path },
});

/**
 * On a cluster an insert may end before most replicas have its part (code 319): until they have it, no reading shows it, and
 * then all do. So after an insert in doubt has ended, what is read is the truth only when the quorums that were open then have
 * closed. Those that others open meanwhile are of inserts that nobody doubts: they are not waited for.
 */
export async function untilQuorumsClosed(reader: Reader, clock: Pick<Clock, "sleep">): Promise<void> {
  const paths = (await reader.rows<{ path: string }>(selectPaths)).map(({ path }) => path);
  let open = await openQuorums(reader, paths);
  while (open.length > 0) {
    await clock.sleep(lookAgainMs);
    const now = new Set(await openQuorums(reader, paths));
    open = open.filter((one) => now.has(one));
  }
}

async function openQuorums(reader: Reader, paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map(async (path) =>
      (await reader.rows<{ part: string }>(selectOpen(path))).map(({ part }) => `${path} ${part}`),
    ),
  );
  return found.flat();
}
