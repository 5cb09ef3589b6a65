import { stateColumns, stateNames } from "../../src/rollup/metrics.ts";
import type { Connection } from "../../src/store/clickhouse/connection.ts";

/**
 * Writes one part of rollups of series 16: so many groups, named by the numbers from `from` on, each with a `top_k` of one value. Such
 * a state is some 150 KB while the engine has it in memory.
 */
export const writeTopKGroups = (
  connection: Pick<Connection, "write">,
  { from, count, value }: { readonly from: number; readonly count: number; readonly value: string },
): Promise<void> =>
  connection.write({
    sql: `INSERT INTO rollups SELECT 16, toDateTime(1768262400), [toString({from:UInt32} + number)], 1, 0, 0, ${states()}
      FROM (SELECT number, arrayReduce('approx_top_kState(10, 1000)', [{value:String}]) AS one FROM numbers({count:UInt64}))`,
    parameters: { from, count, value },
  });

const states = (): string =>
  stateNames
    .map((name) =>
      name === "frequent"
        ? "initializeAggregation('approx_top_kMergeForEachState(10, 1000)', [one])"
        : stateColumns[name].empty,
    )
    .join(", ");
