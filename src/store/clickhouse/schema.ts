import type { Statement } from "../../rollup/statement.ts";
import type { StoreFacts } from "./facts.ts";

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** What the engine says about a table that is there. */
export interface FoundTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** The table's engine with all of its clauses, settings last. */
  readonly engine: string;
}

/**
 * Survives a power loss: parts are synced when written and when merged, and the sources of a merge are kept until the
 * file system has had time to make the merged part's name durable.
 */
const durable = {
  fsync_after_insert: "1",
  fsync_part_directory: "1",
  min_rows_to_fsync_after_merge: "1",
  min_compressed_bytes_to_fsync_after_merge: "1",
  old_parts_lifetime: "60",
};

/**
 * A table is opened however much of it is damaged: what can't be opened is set aside, and told (damage-watch.ts). By default more than
 * a hundred such parts, or 1 GiB of them, keep a table from being opened at all, with all that is whole.
 */
const opened = { max_suspicious_broken_parts: "1000000", max_suspicious_broken_parts_bytes: "1000000000000000" };

/** Statistics of every column cost a sixth of a merge, and no statement of ours is planned by them. One stream a string is smaller. */
const lean = { auto_statistics_types: "''", string_serialization_version: "'single_stream'" };

/** Sixteen parts become one: half the merging that the engine does by itself, and some dozens of parts in all. */
const seldomMerged = { min_parts_to_merge_at_once: "16", merge_selector_base: "16" };

const rawSettings = { ...durable, ...opened, ...lean, ...seldomMerged };
const rollupSettings = { ...durable, ...opened, auto_statistics_types: "''" };

/**
 * A merge holds a block of what it writes and a granule of each part that it reads, with states unpacked: some 150 KB for each
 * row of `top_k`, also of a single value. With 8,192 rows, the default, an engine of little memory could not merge such parts (docs/decisions/0014).
 */
const statesRows = 512;
const mergedSettings = { ...rollupSettings, merge_max_block_size: `${statesRows}` };

/**
 * The statements that make the tables. Each can be run any number of times; none of them changes a table that is there.
 *
 * `raw_events` is sorted by the second of the event, then by position: a live stream arrives in this order, so that an
 * insert has nothing to sort, a merge copies stretches instead of single rows, and the index finds a range of offsets. Its
 * second partition key is always 0: by it the engine keeps the lowest and highest offset of every part in memory, and a
 * range of offsets reads no part in vain (docs/decisions/0010). Codecs that are fast rather than small, for the same reason.
 *
 * `rollups` is not partitioned: one INSERT of one block is one part, which is what makes a mark and its rows one (see
 * docs/decisions/0005). Its rows: series 0 are marks (`grp` holds the range), series 1 are counters of a partition (`n`
 * events, `skipped` duplicates), series 2 list the groups of a series (whose number is in `pane`; docs/decisions/0013), series from 16 on are windows of a rule version.
 *
 * `rejects` has the events that the engine does not take as raw rows (docs/decisions/0016), `erasing` the positions of events
 * that are being erased, as long as that takes (docs/decisions/0017).
 */
export function firstTables(facts: StoreFacts, rollupColumns: readonly Column[]): readonly string[] {
  const { create, engine } = made(facts);
  return [
    `${create("raw_events")} (
      src UInt16 CODEC(LZ4),
      off UInt64 CODEC(Delta, LZ4),
      received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
      timestamp DateTime64(3, 'UTC') CODEC(T64, LZ4),
      event_id String CODEC(LZ4),
      event_type LowCardinality(String),
      user_id String CODEC(LZ4),
      payload String CODEC(LZ4),
      INDEX off_range off TYPE minmax GRANULARITY 1
    ) ENGINE = ${engine("MergeTree")} PARTITION BY (toYYYYMM(timestamp), intDiv(off, 1000000000000000000))
    ORDER BY (toStartOfSecond(timestamp), src, off)
    SETTINGS ${assignments(rawSettings)}`,
    `${create("rollups")} (${rollupColumns.map((column) => `${column.name} ${column.type}`).join(", ")})
    ENGINE = ${engine("AggregatingMergeTree")} ORDER BY (series, pane, grp)
    SETTINGS allow_nullable_key = 1, index_granularity = ${statesRows}, ${assignments(mergedSettings)}`,
    `${create("rejects")} (src UInt16, off UInt64, received_ms Int64, timestamp_ms Int64,
      event_id String, event_type String, user_id String, payload String, rejected_ms Int64, reason String)
    ENGINE = ${engine("MergeTree")} ORDER BY (src, off)
    SETTINGS ${assignments(rollupSettings)}`,
    `${create("erasing")} (erasure String, src UInt16, off UInt64)
    ENGINE = ${engine("MergeTree")} ORDER BY (src, off) SETTINGS ${assignments(durable)}`,
  ];
}

/** Who writes which partition, a row for each time that one is taken: see claims.ts. */
export function claimsTable(facts: StoreFacts): readonly string[] {
  const { create, engine } = made(facts);
  return [
    `${create("claims")} (src UInt16, term UInt64, writer String, claimed_at DateTime('UTC') DEFAULT now())
    ENGINE = ${engine("MergeTree")} ORDER BY (src, term) SETTINGS ${assignments(durable)}`,
  ];
}

/** Which of several servers this is: see shards.ts. */
export function shardTable(facts: StoreFacts): readonly string[] {
  const { create, engine } = made(facts);
  const { index, count } = facts.shard ?? { index: 0, count: 1 };
  return [
    `${create("shard")} (shard UInt16, shards UInt16, id UUID, noted_at DateTime64(6, 'UTC'))
    ENGINE = ${engine("MergeTree")} ORDER BY shard SETTINGS ${assignments(durable)}`,
    `INSERT INTO shard (shard, shards, id, noted_at) SELECT ${index}, ${count}, generateUUIDv4(), now64(6) FROM system.one
    WHERE (SELECT count() FROM shard) = 0`,
  ];
}

/** Which steps were done: see migrate.ts. */
export function stepsTable(facts: StoreFacts): string {
  const { create, engine } = made(facts);
  return `${create("schema_steps")} (step UInt32, name String, weir String, applied_at DateTime('UTC'))
    ENGINE = ${engine("MergeTree")} ORDER BY step SETTINGS ${assignments(durable)}`;
}

/**
 * How tables are made. On a cluster everywhere at once, and replicated: the server's default path and macros tell shards and
 * replicas apart. A replicated table keeps a part whole, as a plain one does.
 */
function made({ cluster }: StoreFacts): { create(table: string): string; engine(family: string): string } {
  const everywhere = onCluster(cluster);
  return {
    create: (table) => `CREATE TABLE IF NOT EXISTS ${table}${everywhere}`,
    engine: (family) => (cluster === null ? family : `Replicated${family}`),
  };
}

/** Quoted: names of clusters may have dashes. */
export const onCluster = (cluster: string | null): string => (cluster === null ? "" : ` ON CLUSTER \`${cluster}\``);

/** A table that takes and refuses what `rollups` does, as that is now, and keeps nothing. */
export const rollupsTrial: readonly string[] = [
  "DROP TABLE IF EXISTS rollups_trial SYNC",
  "CREATE TABLE rollups_trial AS rollups ENGINE = Null",
];

/** A harmless row is written as any raw row is, to a table that is like `raw_events`, as that is now, in everything. */
export const rawTrial: readonly string[] = [
  "DROP TABLE IF EXISTS raw_trial SYNC",
  "CREATE TABLE raw_trial AS raw_events",
  "INSERT INTO raw_trial SELECT 0, 0, now64(3), now64(3), 'trial', 'trial', 'trial', '{}'",
  "DROP TABLE raw_trial SYNC",
];

/** What the tables are, as rows of `FoundTable`. */
export const selectTables: Statement = {
  sql: `SELECT name, engine_full AS engine,
      (SELECT groupArray((table, name)) FROM system.columns WHERE database = currentDatabase()) AS all_columns,
      arrayMap(column -> column.2, arrayFilter(column -> column.1 = name, all_columns)) AS columns
    FROM system.tables WHERE database = currentDatabase() AND name IN ('raw_events', 'rollups')`,
  parameters: {},
};

/** What is missing in tables that an earlier version made: columns of newer metrics, and settings. Removes nothing. */
export function completingStatements(
  found: readonly FoundTable[],
  rollupColumns: readonly Column[],
  { cluster }: Pick<StoreFacts, "cluster">,
): readonly string[] {
  return found.flatMap((table) => {
    const columns = table.name === "rollups" ? rollupColumns : [];
    const settings = table.name === "rollups" ? mergedSettings : rawSettings;
    return [...missingColumns(table, columns, cluster), ...missingSettings(table, settings, cluster)];
  });
}

function missingColumns(table: FoundTable, columns: readonly Column[], cluster: string | null): readonly string[] {
  return columns
    .filter((column) => !table.columns.includes(column.name))
    .map(
      (column) =>
        `ALTER TABLE ${table.name}${onCluster(cluster)} ADD COLUMN IF NOT EXISTS ${column.name} ${column.type}`,
    );
}

function missingSettings(
  table: FoundTable,
  settings: Readonly<Record<string, string>>,
  cluster: string | null,
): readonly string[] {
  const set = table.engine.slice(table.engine.indexOf("SETTINGS "));
  const missing = Object.entries(settings).filter(([name, value]) => !`${set},`.includes(` ${name} = ${value},`));
  return missing.length === 0
    ? []
    : [`ALTER TABLE ${table.name}${onCluster(cluster)} MODIFY SETTING ${assignments(Object.fromEntries(missing))}`];
}

const assignments = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}`)
    .join(", ");
