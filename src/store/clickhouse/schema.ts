export interface Column {
  readonly name: string;
  readonly type: string;
}

/**
 * Survives a power loss: parts are synced when written and when merged, and the sources of a merge are kept until the
 * file system has had time to make the merged part's name durable.
 */
const durable =
  "fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 60";

/**
 * Raw rows are sorted by event time alone: a live stream arrives nearly in that order, so sorting costs little (with the id
 * behind the time, an insert cost 240 ms of CPU for 100,000 rows instead of 170), and a repeat is found by its time just as
 * well. Ids are not worth compressing hard.
 *
 * The statements that make the schema, or complete one that an earlier version made. Each can be run any number of times;
 * none of them removes anything.
 *
 * `rollups` is not partitioned: one INSERT of one block is one part, which is what makes a mark and its rows one (see
 * docs/decisions/0005). Its rows: series 0 are marks (`grp` holds the range), series 1 are counters of a partition (`n`
 * events, `skipped` duplicates), series from 16 on are windows of a rule version.
 */
export function schemaStatements(rollupColumns: readonly Column[]): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS raw_events (
      src UInt16 CODEC(ZSTD(1)),
      off UInt64 CODEC(Delta, ZSTD(1)),
      received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      event_id String CODEC(LZ4),
      event_type LowCardinality(String),
      user_id String CODEC(LZ4),
      payload String CODEC(ZSTD(1)),
      INDEX off_range off TYPE minmax GRANULARITY 1
    ) ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY timestamp
    SETTINGS ${durable}`,
    `CREATE TABLE IF NOT EXISTS rollups (${rollupColumns.map((column) => `${column.name} ${column.type}`).join(", ")})
    ENGINE = AggregatingMergeTree ORDER BY (series, pane, grp)
    SETTINGS allow_nullable_key = 1, ${durable}`,
    // A metric that came with a later version brings its column.
    ...rollupColumns.map((column) => `ALTER TABLE rollups ADD COLUMN IF NOT EXISTS ${column.name} ${column.type}`),
  ];
}
