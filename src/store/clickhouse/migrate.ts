import { WeirError } from "../../lib/errors.ts";
import { rollupColumns } from "../../rollup/metrics.ts";
import type { Connection } from "./connection.ts";
import type { StoreFacts } from "./facts.ts";
import { type AppliedStep, type SchemaStep, insertStep, selectHasSteps, selectSteps } from "./schema-steps.ts";
import { type FoundTable, completingStatements, selectTables, stepsTable } from "./schema.ts";

export interface MigrateOptions {
  readonly connection: Pick<Connection, "rows" | "write" | "createDatabase" | "rowsOutside">;
  readonly facts: StoreFacts;
  readonly database: string;
  readonly steps: readonly SchemaStep[];
  /** Of this program. */
  readonly version: string;
  /** Whether what is lacking is made, or refused. */
  readonly change: boolean;
  readonly applied?: (what: string) => void;
}

/**
 * Brings the tables to what this version needs: the steps that were not done, then columns and settings that are lacking.
 * @throws WeirError `store_unfit` when a newer version was here, or something is lacking that may not be changed now.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { connection, database, steps, change } = options;
  if (!(await hasDatabase(connection, database))) {
    if (!change) throw lacking(database, ["the database"]);
    await connection.createDatabase();
  }
  const done = await stepsDone(options);
  refuseNewer(database, done, steps);
  const missing = steps.filter(({ step }) => !done.some((one) => one.step === step));
  if (missing.length > 0 && !change) throw lacking(database, missing.map(nameOf));
  if (missing.length > 0) await run(options, [stepsTable(options.facts)]);
  for (const step of missing) await apply(options, step);
  await complete(options);
}

export async function hasDatabase(connection: Pick<Connection, "rowsOutside">, database: string): Promise<boolean> {
  const sql = "SELECT toUInt8(count()) AS found FROM system.databases WHERE name = {database:String}";
  const [row] = await connection.rowsOutside<{ found: number }>({ sql, parameters: { database } });
  return row?.found === 1;
}

async function stepsDone({ connection }: MigrateOptions): Promise<readonly AppliedStep[]> {
  const [row] = await connection.rows<{ found: number }>(selectHasSteps);
  return row?.found === 1 ? connection.rows<AppliedStep>(selectSteps) : [];
}

function refuseNewer(database: string, done: readonly AppliedStep[], steps: readonly SchemaStep[]): void {
  const newest = done.at(-1);
  const known = steps.at(-1)?.step ?? 0;
  if (newest === undefined || newest.step <= known) return;
  throw new WeirError(
    "store_unfit",
    `the database ${database} was changed by a newer Weir (${newest.weir}, step ${newest.step}: ${newest.name}); this one knows steps up to ${known}. Start that version or a newer one; nothing was changed`,
  );
}

/** It is noted behind its statements: what is killed in between does them again. */
async function apply(options: MigrateOptions, step: SchemaStep): Promise<void> {
  const { connection, facts, version, applied } = options;
  await run(options, step.statements(facts, rollupColumns()));
  await connection.write(insertStep({ step: step.step, name: step.name, weir: version }));
  applied?.(nameOf(step));
}

/** A newer version of the same steps may have more metrics, which are columns. */
async function complete(options: MigrateOptions): Promise<void> {
  const { connection, facts, database, change, applied } = options;
  const found = await connection.rows<FoundTable>(selectTables);
  const statements = completingStatements(found, rollupColumns(), facts);
  if (statements.length > 0 && !change) throw lacking(database, statements);
  await run(options, statements);
  for (const sql of statements) applied?.(sql);
}

async function run({ connection }: MigrateOptions, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await connection.write({ sql, parameters: {} });
}

const nameOf = ({ step, name }: Pick<SchemaStep, "step" | "name">): string => `step ${step} (${name})`;

const lacking = (database: string, what: readonly string[]): WeirError =>
  new WeirError(
    "store_unfit",
    `the database ${database} lacks ${what.join(", ")}, and --migrate=false forbids to change it: run \`weir migrate\` first`,
  );
