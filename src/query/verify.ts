import type { OffsetRange } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { formatTime } from "../lib/rfc3339.ts";
import type { VerificationAnswer } from "../protocol/verification.ts";
import { oldestKept } from "../rule/retention.ts";
import type { Differences, Store } from "../store/store.ts";
import type { Answering } from "./stats-request.ts";

export interface VerifySources {
  readonly store: Pick<Store, "compare">;
  /** What is stored and rolled up of each partition. */
  readonly written: () => readonly OffsetRange[];
  readonly clock: Clock;
}

const checksMax = 3;
const differencesMax = 100;
const pauseMs = 500;

/**
 * Counts a rule's windows again from raw rows and compares. While events come, what is stored may be ahead of what was
 * counted again: so only what is found three times, stored alike and each time counted up to a later moment, is told.
 */
export async function verify(
  answering: Answering,
  sources: VerifySources,
  signal: AbortSignal,
): Promise<VerificationAnswer> {
  const { version } = answering;
  const head = headOf(answering);
  if (version.phase !== "live") return notComparable(answering);
  let found = await check(answering, sources, signal);
  for (let done = 1; done < checksMax && found.rows.length > 0; done++) {
    await sources.clock.sleep(pauseMs, signal);
    found = lasting(found, await check(answering, sources, signal));
  }
  const { different, rows, compared } = found;
  if (rows.length === 0) return { ...head, ...nothing, result: "equal" };
  const differences = rows.map(({ windowStart, group, stored, expected }) => ({
    ...{ window_start: formatTime(windowStart), group: [...group], stored, expected },
  }));
  return { ...head, result: "different", compared: compared === "values" ? "value" : "events", different, differences };
}

/** What is answered of a rule that was not counted live all the while. */
export const notComparable = (answering: Answering): VerificationAnswer => ({
  ...{ ...headOf(answering), ...nothing },
  ...{ result: "not_comparable", reason: reasons },
});

const headOf = ({ rule, version }: Answering) => ({ rule_id: rule.spec.rule_id, version: version.version });

const reasons =
  "only what answers live can be compared: the rule is being filled, or paused at a moment that is not known";
const nothing = { different: 0, differences: [] };

function check({ rule, version }: Answering, sources: VerifySources, signal: AbortSignal): Promise<Differences> {
  const { store, written, clock } = sources;
  const ranges = written();
  if (ranges.length === 0) return Promise.resolve({ compared: "events", different: 0, rows: [] });
  const from = oldestKept(rule, clock.now());
  return store.compare({ series: version.series, rule, ranges, from, limit: differencesMax }, signal);
}

/** What of the earlier differences is stored as before and differs still. */
function lasting(before: Differences, now: Differences): Differences {
  if (before.compared !== now.compared) return now;
  const keyOf = ({ windowStart, group, stored }: Differences["rows"][number]): string =>
    JSON.stringify([windowStart, group, stored]);
  const known = new Set(before.rows.map(keyOf));
  const rows = now.rows.filter((row) => known.has(keyOf(row)));
  // Of many only the first are listed: how many of the others last is not known.
  return { ...now, rows, different: Math.max(rows.length, now.different - (now.rows.length - rows.length)) };
}
