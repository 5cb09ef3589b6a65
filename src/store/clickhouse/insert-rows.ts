import type { Statement } from "../../rollup/statement.ts";
import { type Claim, claimHolds } from "./claim-statements.ts";
import type { Column } from "./schema.ts";

/** What rows in RowBinary consist of, and where they go. */
export interface RowShape {
  readonly table: string;
  readonly columns: readonly Column[];
}

/*
 * The engine brings the columns to the table's types as a whole, which is cheap: so they are selected, with plain types,
 * from what holds them.
 */

/** From the body of the request, and only if the claim holds. */
export function insertBody(shape: RowShape, claim: Claim | undefined): Statement {
  const holds = claim && claimHolds(claim);
  const where = holds ? ` WHERE ${holds.sql}` : "";
  return {
    sql: `${inserting(shape)} FROM input('${structureOf(shape)}')${where} FORMAT RowBinary`,
    parameters: holds?.parameters ?? {},
  };
}

/** From a file of the engine's folder. */
export const insertFileSql = (shape: RowShape, file: string): string =>
  `${inserting(shape)} FROM file('${file}', 'RowBinary', '${structureOf(shape)}')`;

function inserting({ table, columns }: RowShape): string {
  const names = columns.map((column) => column.name).join(", ");
  return `INSERT INTO ${table} (${names}) SELECT ${names}`;
}

const structureOf = ({ columns }: RowShape): string =>
  columns.map(({ name, type }) => `${name} ${type}`.replaceAll("'", "\\'")).join(", ");
