import type { Statement } from "../../rollup/statement.ts";
import type { StoreFacts } from "./facts.ts";
import { type Column, claimsTable, firstTables, shardTable } from "./schema.ts";

/**
 * How the tables came to be what they are, step by step. A step is never changed once it was released, and never takes
 * anything away; a newer one is put behind it. Each of its statements may run any number of times, also beside itself in
 * another process, so that a step that was interrupted is simply done again.
 */
export interface SchemaStep {
  /** From 1, without gap. */
  readonly step: number;
  readonly name: string;
  statements(facts: StoreFacts, rollupColumns: readonly Column[]): readonly string[];
}

export const schemaSteps: readonly SchemaStep[] = [
  { step: 1, name: "raw events, rollups, quarantine, erasures", statements: firstTables },
  { step: 2, name: "claims of partitions", statements: claimsTable },
];

/** Of databases that are one of several servers' alone: earlier versions, which would write all partitions to one, refuse it. */
const shardStep: SchemaStep = { step: 3, name: "one of several servers", statements: shardTable };

export const stepsOf = ({ shard }: StoreFacts): readonly SchemaStep[] =>
  shard === null ? schemaSteps : [...schemaSteps, shardStep];

export interface AppliedStep {
  readonly step: number;
  readonly name: string;
  /** The version of Weir that did it. */
  readonly weir: string;
}

export const selectSteps: Statement = {
  sql: "SELECT step, any(name) AS name, any(weir) AS weir FROM schema_steps GROUP BY step ORDER BY step",
  parameters: {},
};

export const insertStep = ({ step, name, weir }: AppliedStep): Statement => ({
  sql: "INSERT INTO schema_steps (step, name, weir, applied_at) SELECT {step:UInt32}, {name:String}, {weir:String}, now()",
  parameters: { step, name, weir },
});

/** Whether the table of steps is there: what an empty database, and one of the first versions, lack. */
export const selectHasSteps: Statement = {
  sql: "SELECT toUInt8(count()) AS found FROM system.tables WHERE database = currentDatabase() AND name = 'schema_steps'",
  parameters: {},
};
