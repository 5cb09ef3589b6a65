/** How raw rows get to the engine: as files of a folder that it reads by their bare name, or in the body of the request. */
export type RowsBy = { readonly files: { readonly folder: string } } | "body";

/** Settings by the engine's own names. */
export type Settings = Readonly<Record<string, string | number>>;

/**
 * In what the engines that speak ClickHouse's protocol differ, as far as statements and exactness depend on it. Code asks
 * for a fact, never which engine it is.
 */
export interface StoreFacts {
  readonly rowsBy: RowsBy;
  /**
   * Whether nothing that a process has asked for can happen after that process, and a killed statement never arrives later.
   * Where it is not so, an insert of a process that died may land while its successor reads: partitions are then claimed
   * (see claims.ts; docs/decisions/0027).
   */
  readonly endsWithUs: boolean;
  /** Sent with every request: what a server's own profiles could otherwise decide. */
  readonly pinned: Settings;
  /** Sent with every write besides. */
  readonly pinnedOfWrites: Settings;
  /** Where tables are made and changed: on this server, or on all of a cluster, whose tables are then replicated. */
  readonly cluster: string | null;
}

/** The embedded engine ends with its parent, refuses what was killed, and has its settings from the start. */
export const embeddedFacts = (folder: string): StoreFacts => ({
  ...{ rowsBy: { files: { folder } }, endsWithUs: true },
  ...{ pinned: {}, pinnedOfWrites: {}, cluster: null },
});

/** A ClickHouse server, which others use as well, and which goes on when we don't. */
export const serverFacts = (cluster: string | null = null): StoreFacts => ({
  rowsBy: "body",
  endsWithUs: false,
  pinned: { ...ofOurStatements, ...(cluster === null ? {} : readAfterWrites) },
  pinnedOfWrites: { ...notDeduplicated, ...(cluster === null ? {} : onMostReplicas) },
  cluster,
});

/** Times without a zone are in UTC; the statements of a thousand rules are long; nulls and empty sets mean what they do to us. */
const ofOurStatements: Settings = {
  session_timezone: "UTC",
  max_query_size: 64 * 2 ** 20,
  join_use_nulls: 0,
  transform_null_in: 0,
  // Conditions of ours name times and positions, new each time: they would fill it for others.
  use_query_condition_cache: 0,
  aggregate_functions_null_for_empty: 0,
  empty_result_for_aggregation_by_empty_set: 0,
};

/** Replicated tables would leave out a block that looks like an earlier one. */
const notDeduplicated: Settings = { deduplicate_insert: "disable", deduplicate_insert_select: "disable" };

/**
 * A write is done when most replicas have it, one insert after the other, so that reading from any of them sees all that
 * is done: an insert in doubt is settled by reading, which must not ask a replica that lags.
 */
const onMostReplicas: Settings = { insert_quorum: "auto", insert_quorum_parallel: 0, insert_quorum_timeout: 60_000 };
const readAfterWrites: Settings = { select_sequential_consistency: 1 };
