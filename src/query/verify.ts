import type { OffsetRange } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { formatTime } from "../lib/rfc3339.ts";
import type { VerificationAnswer } from "../protocol/verification.ts";
import { oldestKept } from "../rule/retention.ts";
import type { DifferenceKind, Differences, Store } from "../store/store.ts";
import type { Answering } from "./stats-request.ts";

export interface VerifySources {
  readonly store: Pick<Store, "compare">;
  /** What is stored and rolled up of each partition. */
  readonly written: () => readonly OffsetRange[];
  readonly clock: Clock;
}

const checksMax = 3;
/** More than a batch changes of a rule, so that what comes meanwhile seldom hides what lasts. */
const comparedMax = 10_000;
const differencesMax = 100;
const pauseMs = 500;

/**
 * Counts a rule's windows again from raw rows and compares. While events come, what is stored may be ahead of what was
 * counted again: so only what is found three times, stored alike and each time counted up to a later moment, is told. First
 * events, then values; each kind by itself, as what differs in one says nothing of the other.
 */
export async function verify(
  answering: Answering,
  sources: VerifySources,
  signal: AbortSignal,
): Promise<VerificationAnswer> {
  const head = headOf(answering);
  if (answering.version.phase !== "live") return notComparable(answering, notLive);
  for (const kind of ["events", "values"] as const) {
    const { rows, different, isOpen } = await findings(kind, answering, sources, signal);
    if (rows.length > 0) return { ...head, ...told(kind, rows, different) };
    if (isOpen) return notComparable(answering, tooMuch);
  }
  return { ...head, ...nothing, result: "equal" };
}

/** What is answered where nothing can be said of a rule. */
export const notComparable = (answering: Answering, reason: string): VerificationAnswer => ({
  ...{ ...headOf(answering), ...nothing },
  ...{ result: "not_comparable", reason },
});

export const notLive =
  "only what answers live can be compared: the rule is being filled, or paused at a moment that is not known";
const tooMuch = "too much changes meanwhile; ask again when fewer events come";

const headOf = ({ rule, version }: Answering) => ({ rule_id: rule.spec.rule_id, version: version.version });

const nothing = { different: 0, differences: [] };

function told(kind: DifferenceKind, rows: Differences["rows"], different: number) {
  const differences = rows.slice(0, differencesMax).map(({ windowStart, group, stored, expected }) => ({
    ...{ window_start: formatTime(windowStart), group: [...group], stored, expected },
  }));
  return { result: "different", compared: kind === "values" ? "value" : kind, different, differences } as const;
}

/** What several comparisons have found alike. */
interface Findings extends Differences {
  /** Some of them may have left out of their lists what lasts. */
  readonly isOpen: boolean;
}

async function findings(
  kind: DifferenceKind,
  answering: Answering,
  sources: VerifySources,
  signal: AbortSignal,
): Promise<Findings> {
  let found = asFindings(await check(kind, answering, sources, signal));
  for (let done = 1; done < checksMax && (found.rows.length > 0 || found.isOpen); done++) {
    await sources.clock.sleep(pauseMs, signal);
    found = lasting(found, asFindings(await check(kind, answering, sources, signal)));
  }
  return found;
}

const asFindings = (found: Differences): Findings => ({ ...found, isOpen: found.different > found.rows.length });

function check(
  kind: DifferenceKind,
  { rule, version }: Answering,
  { store, written, clock }: VerifySources,
  signal: AbortSignal,
): Promise<Differences> {
  const ranges = written();
  if (ranges.length === 0) return Promise.resolve({ compared: kind, different: 0, rows: [] });
  const from = oldestKept(rule, clock.now());
  return store.compare({ series: version.series, rule, ranges, from, limit: comparedMax }, kind, signal);
}

/** What of the earlier differences is stored as before and differs still. A comparison that finds nothing settles all. */
function lasting(before: Findings, now: Findings): Findings {
  if (now.different === 0) return now;
  // With the first overflow of a rule its panes take the place of its groups.
  if (before.compared !== now.compared) return { ...now, rows: [], isOpen: true };
  const keyOf = ({ windowStart, group, stored }: Differences["rows"][number]): string =>
    JSON.stringify([windowStart, group, stored]);
  const known = new Set(before.rows.map(keyOf));
  const rows = now.rows.filter((row) => known.has(keyOf(row)));
  // Of many only the first are listed: how many of the others last is not known.
  const atMost = (found: Findings): number => found.different - (found.rows.length - rows.length);
  return { ...now, rows, different: Math.min(atMost(before), atMost(now)), isOpen: before.isOpen || now.isOpen };
}
