import { grainOf } from "../rule/calendar.ts";
import { type Reading, read, wrong } from "../rule/reading.ts";
import type { RuleWindow, Span } from "../rule/rule.ts";
import { formatDuration, parseWindowSize } from "../rule/window.ts";

const daySeconds = 86_400;

/** The windows that `step` asks for, of which each pane of the rule must lie in one; days, weeks and months are of the rule's zone. */
export function readStep(text: string, { size, pane }: RuleWindow): Reading<Span> {
  const timezone = size.unit === "second" ? "UTC" : size.timezone;
  const step = parseWindowSize(text, timezone);
  if (!step.ok) return wrong(step.message);
  return holds(step.value, pane) ? read(step.value) : wrong(`must be ${possible(pane, timezone)}`);
}

function holds(step: Span, pane: Span): boolean {
  if (pane.unit !== "second") return step.unit === pane.unit || (pane.unit === "day" && step.unit !== "second");
  return step.unit === "second" ? step.count % pane.count === 0 : dividesDays(pane.count, step.timezone);
}

const dividesDays = (seconds: number, timezone: string): boolean =>
  daySeconds % seconds === 0 && grainOf(timezone) % seconds === 0;

/** What could be taken, in words: answers are merged from the stored panes. */
function possible(pane: Span, timezone: string): string {
  if (pane.unit !== "second") return pane.unit === "day" ? "1d, 1w or 1mo" : pane.unit === "week" ? "1w" : "1mo";
  const calendar = dividesDays(pane.count, timezone) ? ", or 1d, 1w, 1mo" : "";
  return `a multiple of ${formatDuration(pane.count)}, by which the rule is stored${calendar}`;
}
