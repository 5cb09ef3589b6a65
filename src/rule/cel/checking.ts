import type { ASTNode } from "@marcbachmann/cel-js";
import type { FilterExpression, FilterField } from "./expression.ts";
import type { StaticType } from "./types.ts";

/** A checked part: its meaning, what is known of its type, and where it begins. */
export interface Checked {
  readonly expression: FilterExpression;
  readonly type: StaticType;
  readonly at: number;
}

/** What the reader of a part needs of the whole. Positions (`at`) count UTF-16 units from 0. */
export interface Checking {
  check(node: ASTNode): Checked;
  /** Notes what is wrong and answers a part that raises no further problems. */
  problem(message: string, at: number, hint?: string): Checked;
  /** A problem unless the part may be of the type; `where` is how the message begins: `! needs`. */
  want(part: Checked, wanted: StaticType, where: string, hint?: string): void;
  /** Notes that the filter reads a field. */
  use(field: FilterField): void;
}
