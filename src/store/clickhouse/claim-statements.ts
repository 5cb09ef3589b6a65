import type { Src } from "../../event/position.ts";
import type { Statement } from "../../rollup/statement.ts";
import { claimLost } from "./failure.ts";

/** That one process writes a partition: the highest of all rows of the partition, by term, then by writer, is in force. */
export interface Claim {
  readonly src: Src;
  readonly term: number;
  /** A process, by a name of its own: letters, digits and dashes. */
  readonly writer: string;
}

export type Holder = Pick<Claim, "term" | "writer">;

/** Nobody: what the engine makes of no rows. */
export const nobody: Holder = { term: 0, writer: "" };

/**
 * A condition for the WHERE of an insert. The engine evaluates it when it has the statement in its list of what runs, and
 * before it writes anything; where another claim is in force, it throws.
 */
export function claimHolds({ src, term, writer }: Claim): Statement {
  return {
    sql: `(SELECT throwIf(max((term, writer)) != ({claim_term:UInt64}, {claim_writer:String}), '${claimLost}') FROM claims WHERE src = {claim_src:UInt16}) = 0`,
    parameters: { claim_src: src, claim_term: term, claim_writer: writer },
  };
}

export const selectHolder = (src: Src): Statement => ({
  sql: `SELECT toFloat64(holder.1) AS term, holder.2 AS writer
      FROM (SELECT max((term, writer)) AS holder FROM claims WHERE src = {src:UInt16})`,
  parameters: { src },
});

/** Does nothing when the claim that was in force is so no more. */
export function insertClaim({ src, term, writer }: Claim, before: Holder): Statement {
  return {
    sql: `INSERT INTO claims (src, term, writer) SELECT {src:UInt16}, {term:UInt64}, {writer:String} FROM system.one
      WHERE (SELECT max((term, writer)) FROM claims WHERE src = {src:UInt16}) = ({before_term:UInt64}, {before_writer:String})`,
    parameters: { src, term, writer, before_term: before.term, before_writer: before.writer },
  };
}

/** Of a partition's claims those below a term, which none of a higher one needs. Not waited for: it is no matter when it is done. */
export const deleteClaims = (src: Src, below: number): Statement => ({
  sql: "DELETE FROM claims WHERE src = {src:UInt16} AND term < {below:UInt64} SETTINGS lightweight_deletes_sync = 0",
  parameters: { src, below },
});

/** Names of writes: those of a partition, of one of its writers, and of one write. */
const namesOf = (database: string, src: Src): string => `weir.${database}.${src}.`;
const namesOfWriter = (database: string, src: Src, writer: string): string => `${namesOf(database, src)}${writer}.`;
export const idOfClaimed = (database: string, { src, writer }: Claim, id: string): string =>
  `${namesOfWriter(database, src, writer)}${id}`;

/** What runs of a partition's writes by others than `writer`, and of these of ours; on a cluster, on any of its servers. */
export function selectRunning(
  { database, cluster }: { readonly database: string; readonly cluster: string | null },
  { src, writer }: Pick<Claim, "src" | "writer">,
  ours: readonly string[],
): Statement {
  return {
    sql: `SELECT Settings['log_comment'] AS id FROM ${processesOf(cluster)}
      WHERE (startsWith(id, {all:String}) AND NOT startsWith(id, {own:String})) OR id IN {ours:Array(String)}`,
    parameters: { all: namesOf(database, src), own: namesOfWriter(database, src, writer), ours },
  };
}

export const selectNamed = (cluster: string | null, ids: readonly string[]): Statement => ({
  sql: `SELECT Settings['log_comment'] AS id FROM ${processesOf(cluster)} WHERE id IN {ids:Array(String)}`,
  parameters: { ids },
});

const processesOf = (cluster: string | null): string =>
  cluster === null ? "system.processes" : `clusterAllReplicas('${cluster}', system.processes)`;
