import type { RuleAnswer } from "../../../client/src/wire.ts";

/** By what another list of versions is known: also that of a rule which was deleted and made again. */
export const versionsKey = ({
  rule_id,
  created_at,
  version,
  state,
}: Pick<RuleAnswer, "rule_id" | "created_at" | "version" | "state">): string =>
  `versions ${rule_id} ${created_at} ${version} ${state}`;

/** What is of a version, and not of the rule. */
const notOfRule: ReadonlySet<string> = new Set([
  "version",
  "rolled_back_to",
  "state",
  "readable",
  "kept_until",
  "created_at",
]);

/** What one version of a rule says otherwise than another: `window_size 1m → 5m`. */
export function changesOf(before: object, after: object): string[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => !notOfRule.has(name));
  return names
    .filter((name) => text(old.get(name)) !== text(now.get(name)))
    .map((name) => {
      if (name === "active") return now.get(name) === false ? "paused" : "resumed";
      return `${name} ${text(old.get(name))} → ${text(now.get(name))}`;
    });
}

function text(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "none";
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
