import { ask } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import type { FaultRule } from "./recompute.ts";
import type { Stage } from "./stage.ts";

/** All rules of a server, none of them paused any more. */
export async function rulesThere(stage: Stage, server: ServerProcess): Promise<Map<string, FaultRule>> {
  const url = `${server.queryUrl}/aggregation-rules`;
  const { rules } = (await ask(`${url}?as=document`)) as { rules: FaultRule[] };
  await stage.putRules(rules, server);
  return new Map(rules.map((rule) => [rule.rule_id, rule]));
}
