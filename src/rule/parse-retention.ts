import type { CheckedRule, RuleSpec, RuleWindow } from "./rule.ts";
import type { RulePart, RuleReader } from "./rule-reader.ts";
import { formatDuration, parseDuration, secondsMaxOf } from "./window.ts";

type RetentionPart = RulePart<Pick<RuleSpec, "retention">, Pick<CheckedRule, "retentionSeconds">>;

/** Reads `retention`. `window` is missing when it could not be read. */
export function parseRetention(reader: RuleReader, window: RuleWindow | undefined): RetentionPart {
  const none = { spec: {}, rule: {} };
  const text = reader.textIfAny("retention");
  if (text === undefined) return none;
  const seconds = parseDuration(text, "1s", "3650d");
  if (!seconds.ok) {
    reader.wrong("retention", seconds.message);
    return none;
  }
  const least = window === undefined ? 0 : secondsMaxOf(window.size);
  if (seconds.value < least) reader.wrong("retention", tooShort(least));
  return { spec: { retention: text }, rule: { retentionSeconds: seconds.value } };
}

const tooShort = (least: number): string =>
  `must be as long as a window at least, ${formatDuration(least)}, or one would go as soon as it ends`;
