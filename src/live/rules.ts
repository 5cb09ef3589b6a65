import type { RuleRecord } from "../rule/registry.ts";
import type { Watched } from "./feed.ts";

/** The rules, as far as the live feed needs them; asked often, so answered from memory. */
export interface LiveRules {
  find(ruleId: string): RuleRecord | undefined;
  /** The version whose windows answer. */
  answering(record: RuleRecord): Watched;
}
