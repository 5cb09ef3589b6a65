import type { RuleAnswer } from "../../../client/src/wire.ts";
import { weir } from "../server.ts";
import { usePolled } from "../use-polled.ts";
import { specOf } from "./answering.ts";
import type { Drawn } from "./series.ts";

/** As `specOf`; the versions are asked for when these windows are not of the newest one that is known. */
export function useAnswering(rule: RuleAnswer, version: number | undefined): Drawn | undefined {
  const { rule_id, created_at } = rule;
  const isKnown = version === undefined || version === rule.version;
  const key = `answering ${rule_id} ${created_at} ${isKnown ? "" : version}`;
  const { value = [] } = usePolled(key, 0, async (signal) => {
    if (isKnown) return [];
    const versions = await weir.rules.versions(rule_id, { signal });
    // A process may hear of a change later than its windows come; then it is asked again.
    if (!versions.some((one) => one.version === version)) throw new Error(`version ${version} is not known yet`);
    return versions;
  });
  return specOf(rule, value, version);
}
