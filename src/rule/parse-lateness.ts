import type { CheckedRule, RuleSpec, RuleWindow } from "./rule.ts";
import { type RulePart, type RuleReader, suggestion } from "./rule-reader.ts";
import { parseDuration } from "./window.ts";

type LatenessPart = RulePart<
  Pick<RuleSpec, "allowed_lateness" | "late_policy">,
  Pick<CheckedRule, "latenessSeconds" | "latePolicy">
>;

/** Reads `allowed_lateness` and `late_policy`. */
export function parseLateness(reader: RuleReader, kind: RuleWindow["kind"]): LatenessPart {
  const { text, seconds } = allowedLateness(reader);
  const policy = latePolicy(reader);
  if (policy === "drop" && kind !== "tumbling") refuseDrop(reader, kind);
  return {
    spec: {
      ...(seconds === 0 ? {} : { allowed_lateness: text }),
      ...(policy === "count" ? {} : { late_policy: policy }),
    },
    rule: { latenessSeconds: seconds, latePolicy: policy },
  };
}

function allowedLateness(reader: RuleReader): { readonly text: string; readonly seconds: number } {
  const none = { text: "0s", seconds: 0 };
  const text = reader.textIfAny("allowed_lateness") ?? none.text;
  const seconds = parseDuration(text, "0s");
  if (seconds.ok) return { text, seconds: seconds.value };
  reader.wrong("allowed_lateness", seconds.message);
  return none;
}

function latePolicy(reader: RuleReader): CheckedRule["latePolicy"] {
  const policy = reader.value("late_policy") ?? "count";
  if (policy === "count" || policy === "drop") return policy;
  const meant = typeof policy === "string" ? suggestion(policy, ["count", "drop"]) : "";
  const means = "a late event corrects its window, or is left out of it";
  reader.wrong("late_policy", `must be "count" or "drop": ${means}${meant}`);
  return "count";
}

/** What is stored does not tell which of an event's windows had ended when it came. */
function refuseDrop(reader: RuleReader, kind: RuleWindow["kind"]): void {
  reader.wrong(
    "late_policy",
    `must be "count" with ${kind} windows: some of an event's windows may have ended, others not`,
  );
}
