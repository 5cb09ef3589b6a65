import type { RuleAnswer } from "../../../client/src/wire.ts";
import { Figure } from "../parts/states.tsx";
import { countText, durationText, nothing, percentText } from "../words/format.ts";

/** Beyond it, for 100,000 events, batches are so small that their fixed price is nearly all: that says nothing about the rule. */
const costMsMax = 10_000;

function costNote(cost: RuleAnswer["cost"]): string {
  if (cost === null) return "nothing was counted lately";
  const ms = cost.ms_per_100k_events;
  return ms > costMsMax
    ? "of all counting; few events at a time"
    : `of all counting; ${durationText(ms)} for 100,000 events`;
}

/** How a rule stands, in figures. */
export function Facts({ rule }: { readonly rule: RuleAnswer }) {
  const { cost, allowed_lateness: lateness = "0s", late_policy: policy = "count" } = rule;
  return (
    <dl className="figures figures-small" aria-label="How it stands">
      <Figure name="Cost" value={cost === null ? nothing : percentText(cost.share)} note={costNote(cost)} />
      <Figure
        name="Late"
        value={countText(rule.late)}
        note={`more than ${lateness} after the window's end; ${policy === "drop" ? "left out" : "still counted"}`}
      />
      <Figure
        name="Skipped"
        value={countText(rule.skipped)}
        note={rule.field === undefined ? "it reads no field" : `no ${rule.field} to read`}
        tone={(rule.skipped ?? 0) > 0 ? "warn" : "plain"}
      />
      <Figure
        name="Groups"
        value={countText(rule.groups)}
        note={(rule.overflowed ?? 0) > 0 ? `${countText(rule.overflowed)} events of further ones` : "with a window"}
        tone={(rule.overflowed ?? 0) > 0 ? "warn" : "plain"}
      />
      <Figure name="Lag" value={durationText(rule.lag_ms)} note="until an event is counted" />
      <Figure name="Kept" value={rule.retention ?? "always"} note="windows that ended" />
    </dl>
  );
}
