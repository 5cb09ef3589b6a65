import { WeirError } from "../errors.ts";
import type { Wanted } from "./carrier.ts";

const idCharsMax = 128;
const fromCharsMax = 64;
/** The end of the year 9999. */
const timeMax = 253_402_300_799_999;
const intervalMs = { least: 50, most: 60_000 };

/**
 * Why no server would take it, by docs/protocol.md: it refuses the whole message that it stands in, and does not say which of the rules was meant.
 * What is let through here a server can still refuse.
 */
export function mistakeIn(wanted: Wanted): WeirError | undefined {
  const mistakes = [ofRule(wanted.rule), ofInterval(wanted.intervalMs), ofFrom(wanted.from)].filter(
    (mistake) => mistake !== undefined,
  );
  return mistakes.length === 0 ? undefined : new WeirError("invalid_message", mistakes.join("; "));
}

function ofRule(rule: string): string | undefined {
  if (rule.length >= 1 && rule.length <= idCharsMax) return undefined;
  return `a rule's id has 1 to ${idCharsMax} characters, not ${rule.length}`;
}

function ofInterval(ms: number | undefined): string | undefined {
  const { least, most } = intervalMs;
  if (ms === undefined || (Number.isInteger(ms) && ms >= least && ms <= most)) return undefined;
  return `intervalMs must be a whole number from ${least} to ${most}, not ${ms}`;
}

function ofFrom(from: string | undefined): string | undefined {
  if (from === undefined || (from.length <= fromCharsMax && isMoment(from))) return undefined;
  const shown = JSON.stringify(from.slice(0, fromCharsMax));
  return `from ${shown} must be RFC 3339, e.g. 2026-01-17T00:00:00Z, or milliseconds since the epoch, between 1970 and 9999`;
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+ -]\d\d:\d\d)$/;

/** By its form. Whether there is such a day the server knows better. */
const isMoment = (text: string): boolean => (/^\d{1,15}$/.test(text) && Number(text) <= timeMax) || rfc3339.test(text);
