import type { RuleAnswer } from "../../../client/src/wire.ts";
import { percentText } from "../words/format.ts";

/** The state of a rule as a word with a colour. */
export function RuleState({ rule }: { readonly rule: Pick<RuleAnswer, "state" | "progress" | "stopped_because"> }) {
  if (rule.stopped_because !== undefined) return <span className="pill pill-bad">stopped</span>;
  const filled = rule.state === "filling" ? ` ${percentText(rule.progress)}` : "";
  return <span className={`pill pill-${rule.state}`}>{rule.state + filled}</span>;
}
