import type { Statement } from "../../rollup/statement.ts";
import { StoreDamaged } from "./damage.ts";
import type { StoreFacts } from "./facts.ts";
import { onCluster } from "./schema.ts";

/**
 * What changes stored rows and has failed of damaged files the engine would try again and again, and with a thousand of these take
 * no more. Answers what ends it.
 */
export function endingOf(
  { sql }: Statement,
  error: unknown,
  { database, facts }: { readonly database: string; readonly facts: Pick<StoreFacts, "cluster"> },
): Statement | undefined {
  const [, table] = /^\s*(?:ALTER TABLE|DELETE FROM) (\w+)/.exec(sql) ?? [];
  if (table === undefined || !(error instanceof StoreDamaged)) return undefined;
  const which = "database = {database:String} AND table = {table:String} AND NOT is_done AND latest_fail_reason != ''";
  return { sql: `KILL MUTATION${onCluster(facts.cluster)} WHERE ${which}`, parameters: { database, table } };
}
