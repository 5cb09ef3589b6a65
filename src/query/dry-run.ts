import type { Clock } from "../lib/clock.ts";
import { formatTime } from "../lib/rfc3339.ts";
import type { DryRunAnswer, DryRunWarning } from "../protocol/dry-run.ts";
import { statsRow } from "../protocol/stats-row.ts";
import { oldestKept } from "../rule/retention.ts";
import type { CheckedRule, RuleSpec } from "../rule/rule.ts";
import { secondsMaxOf } from "../rule/window.ts";
import type { Store, Trial } from "../store/store.ts";

/** What a change would do, found out without doing it. */
export interface TriedChange {
  readonly rule: CheckedRule;
  readonly effect: "create" | "change" | "none";
  /** Whether history would be read for it. */
  readonly fills: boolean;
}

export interface DryRunSources {
  readonly store: Pick<Store, "tryOut">;
  /** Beyond so many groups of a rule that says no `max_groups`, further ones would share one. */
  readonly groupsMax: number;
  readonly clock: Clock;
}

export const sampleEventsMax = 100_000;
const rowsMax = 100;
/** From this many groups on it is worth asking how many events each has. */
const manyGroups = 1000;
const eventsPerGroupMin = 5;
/** What fewer events took is what a statement takes anyway. */
const costEventsMin = 10_000;
const daySeconds = 86_400;

/**
 * Tries a rule on the newest counted events. Nothing is stored.
 * @throws WeirError `store_unavailable`, `timeout`, `too_costly`.
 */
export async function dryRun(change: TriedChange, sources: DryRunSources, signal: AbortSignal): Promise<DryRunAnswer> {
  const { rule, effect, fills } = change;
  // As `/stats` would: what has gone by the rule's retention is not answered. It is the oldest, so that nothing is missing before it.
  const keptFrom = oldestKept(rule, sources.clock.now());
  const query = { rule, eventsMax: sampleEventsMax, limit: rowsMax + 1, keptFrom };
  const trial = await sources.store.tryOut(query, signal);
  const kept = trial.windows.filter(({ windowStart }) => windowStart >= keptFrom);
  const rows = kept.slice(0, rowsMax);
  return {
    dry_run: true,
    rule: bodyOf(rule.spec),
    effect,
    fills,
    sample: sampleOf(trial),
    entered: trial.entered,
    skipped: trial.skipped,
    late: trial.late,
    groups: trial.groups,
    count: rows.length,
    data: rows.map((row) => statsRow(row, rule, 0)),
    more: kept.length > rows.length,
    cost: costOf(trial, rule),
    warnings: warningsOf(trial, rule, rule.maxGroups ?? sources.groupsMax),
  };
}

const bodyOf = (spec: RuleSpec): DryRunAnswer["rule"] => ({ ...spec, group_by: [...spec.group_by] });

function sampleOf({ events, span }: Trial): DryRunAnswer["sample"] {
  if (span === null) return { events, from: null, to: null };
  return { events, from: formatTime(span.earliest), to: formatTime(span.latest) };
}

function costOf({ events, engineMs, rowsRead, rows, panes, span }: Trial, rule: CheckedRule): DryRunAnswer["cost"] {
  return {
    rows_read: rowsRead,
    engine_ms_per_100k_events: events < costEventsMin ? null : Math.round((engineMs / events) * 100_000 * 10) / 10,
    rows_stored_per_day: span === null ? null : rowsPerDay(rows, panes, span, secondsMaxOf(rule.window.pane)),
  };
}

/** Where the sample leaves panes empty, they count as well; where it is shorter than a pane, the pane counts. */
function rowsPerDay(rows: number, panes: number, span: NonNullable<Trial["span"]>, paneSeconds: number): number {
  const seconds = Math.max(panes * paneSeconds, (span.latest - span.earliest) / 1000);
  return Math.ceil((rows * daySeconds) / seconds);
}

function warningsOf(trial: Trial, rule: CheckedRule, groupsMax: number): DryRunWarning[] {
  const { events, entered, skipped, groups, groupsKept } = trial;
  if (events === 0) return [warning("no_events", "no events are stored yet to try the rule on")];
  const warnings: DryRunWarning[] = [];
  if (entered === 0)
    warnings.push(warning("nothing_entered", `no event of the sample enters: ${whyNothing(trial, rule)}`));
  if (skipped > entered)
    warnings.push(
      warning("much_skipped", `${skipped} events have nothing in field that the metric can read, ${entered} have`),
    );
  if (groupsKept > groupsMax)
    warnings.push(
      warning("groups_over_bound", `the sample alone has ${groupsKept} groups; beyond ${groupsMax} they share one`),
    );
  else if (groups >= manyGroups && groups * eventsPerGroupMin > entered)
    warnings.push(
      warning("many_groups", `${entered} events fall into ${groups} groups: nearly every event makes one of its own`),
    );
  return warnings;
}

function whyNothing({ late }: Trial, { latePolicy }: CheckedRule): string {
  if (latePolicy === "count" || late === 0) return "look at filter and field";
  return `${late} came late, and with late_policy drop they are left out; imported history is always late`;
}

const warning = (code: DryRunWarning["code"], message: string): DryRunWarning => ({ code, message });
