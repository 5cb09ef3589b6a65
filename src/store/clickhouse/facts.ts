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
  /** How many questions of users it is asked at a time, so that there is room for all else (docs/decisions/0039). */
  readonly questionsAtOnce: number;
  /** Sent with every request: what a server's own profiles could otherwise decide. */
  readonly pinned: Settings;
  /** Sent with every write besides. */
  readonly pinnedOfWrites: Settings;
  /** Sent with every question of a user besides. */
  readonly pinnedOfQuestions: Settings;
  /** Where tables are made and changed: on this server, or on all of a cluster, whose tables are then replicated. */
  readonly cluster: string | null;
  /** Which of several servers this is, of those that share the partitions: see shards.ts. Null: there is one. */
  readonly shard: Shard | null;
}

export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
  /** The cluster, by the servers' own configuration, whose shards they are in this order; what is asked over all partitions is read by it. */
  readonly cluster: string;
}

/**
 * The embedded engine ends with its parent, refuses what was killed, and has its settings from the start. `memoryMax`: bytes
 * that it may take in all.
 */
export const embeddedFacts = (folder: string, memoryMax?: number): StoreFacts => ({
  // Of the twelve statements that it reads by at a time (engine/places.ts).
  ...{ rowsBy: { files: { folder } }, endsWithUs: true, questionsAtOnce: 4 },
  ...{ pinned: {}, pinnedOfWrites: {}, cluster: null, shard: null },
  // With half of it for one question there is some for what is counted, and whoever asks for more hears that it is too
  // much: else the engine would be short of memory each time, which looks as if it were worth trying again.
  pinnedOfQuestions: memoryMax === undefined ? {} : { max_memory_usage: String(Math.floor(memoryMax / 2)) },
});

/** A ClickHouse server, which others use as well, and which goes on when we don't. */
export const serverFacts = (cluster: string | null = null, shard: Shard | null = null): StoreFacts => ({
  rowsBy: "body",
  endsWithUs: false,
  // Of the sixteen that a connection has (connection.ts).
  questionsAtOnce: 8,
  pinned: {
    ...{ ...ofOurStatements, ...nothingCutOff },
    ...{ ...(cluster === null ? {} : readAfterWrites), ...(shard === null ? {} : overAllShards) },
  },
  // How long a write takes is known by its size; one that is ended is begun anew, for ever.
  pinnedOfWrites: { ...notDeduplicated, max_execution_time: 0, ...(cluster === null ? {} : onMostReplicas) },
  // Its profile says what a user may take.
  pinnedOfQuestions: {},
  cluster,
  shard,
});

/**
 * One statement computes all rules, which are refused one by one and not together: it is long, and large when it is taken apart.
 * A bound there is all the same: beyond it the newest rules are paused, where the engine would else go under (docs/decisions/0016).
 */
const sizesOfStatements: Settings = {
  max_query_size: 64 * 2 ** 20,
  max_ast_elements: 1_000_000,
  max_expanded_ast_elements: 10_000_000,
  max_ast_depth: 10_000,
};

/** Times without a zone are in UTC; nulls and empty sets mean what they do to us. */
const ofOurStatements: Settings = {
  session_timezone: "UTC",
  ...sizesOfStatements,
  join_use_nulls: 0,
  transform_null_in: 0,
  // Conditions of ours name times and positions, new each time: they would fill it for others.
  use_query_condition_cache: 0,
  aggregate_functions_null_for_empty: 0,
  empty_result_for_aggregation_by_empty_set: 0,
  group_by_use_nulls: 0,
  cast_keep_nullable: 0,
  data_type_default_nullable: 0,
  insert_null_as_default: 1,
  input_format_null_as_default: 1,
  decimal_check_overflow: 1,
  prefer_column_name_to_alias: 0,
  final: 0,
  apply_deleted_mask: 1,
  extremes: 0,
  date_time_output_format: "simple",
  output_format_json_quote_64bit_floats: 0,
  output_format_json_quote_denormals: 0,
  output_format_json_quote_decimals: 0,
  output_format_json_named_tuples_as_objects: 1,
};

const boundsOfProfiles = [
  ...["limit", "offset", "max_result_rows", "max_result_bytes", "max_rows_to_group_by", "max_rows_to_sort"],
  ...["max_rows_to_read", "max_bytes_to_read", "max_rows_to_read_leaf", "max_bytes_to_read_leaf", "max_bytes_to_sort"],
  ...["max_rows_in_set", "max_bytes_in_set", "max_rows_in_join", "max_bytes_in_join", "max_rows_in_distinct"],
  ...["max_bytes_in_distinct", "max_rows_to_transfer", "max_bytes_to_transfer", "max_columns_to_read"],
];

/**
 * A profile may have answers, groups and rows beyond a bound left out without a word, and a roll-up with them. Its bounds are
 * not for us, who have our own for what users ask; and what is beyond one all the same is an error.
 */
const nothingCutOff: Settings = {
  read_overflow_mode: "throw",
  read_overflow_mode_leaf: "throw",
  group_by_overflow_mode: "throw",
  sort_overflow_mode: "throw",
  result_overflow_mode: "throw",
  timeout_overflow_mode: "throw",
  timeout_overflow_mode_leaf: "throw",
  set_overflow_mode: "throw",
  join_overflow_mode: "throw",
  transfer_overflow_mode: "throw",
  distinct_overflow_mode: "throw",
  ...Object.fromEntries(boundsOfProfiles.map((name) => [name, 0])),
  enable_parallel_replicas: 0,
};

/** Replicated tables would leave out a block that looks like an earlier one. */
const notDeduplicated: Settings = { deduplicate_insert: "disable", deduplicate_insert_select: "disable" };

/**
 * A write is done when most replicas have it, and a table has one such write at a time, so that reading from any replica sees
 * all that is done: an insert in doubt is settled by reading, which must not ask a replica that lags. An insert that meets
 * another is refused (code 286), not queued: see `Connection`.
 */
const onMostReplicas: Settings = { insert_quorum: "auto", insert_quorum_parallel: 0, insert_quorum_timeout: 60_000 };
const readAfterWrites: Settings = { select_sequential_consistency: 1 };

/**
 * What is looked up in a statement over all shards is looked up once, over all of them, and not on each in what that one has. One
 * that is away is an error and never left out; and a shard's answer is a part of each group, to be merged.
 */
const overAllShards: Settings = {
  distributed_product_mode: "global",
  skip_unavailable_shards: 0,
  distributed_group_by_no_merge: 0,
  optimize_distributed_group_by_sharding_key: 0,
  optimize_skip_unused_shards: 0,
  max_replica_delay_for_distributed_queries: 0,
};
