import { readZone } from "./cel/literals.ts";
import type { CheckedRule, RuleSpec } from "./rule.ts";
import type { RulePart, RuleReader } from "./rule-reader.ts";
import { isCalendarSize, parseWindowSize, tumbling } from "./window.ts";

type WindowPart = RulePart<Pick<RuleSpec, "window_size" | "timezone">, Pick<CheckedRule, "window">>;

/** Reads `window_size`, `window_type` and `timezone`. */
export function parseWindow(reader: RuleReader): WindowPart | undefined {
  checkType(reader);
  const text = reader.text("window_size");
  const timezone = readTimezone(reader);
  if (text === undefined) return undefined;
  const size = parseWindowSize(text, timezone ?? "UTC");
  if (!size.ok) return reader.wrong("window_size", size.message);
  if (timezone === undefined) return undefined;
  if (timezone === "UTC") return { spec: { window_size: text }, rule: { window: tumbling(size.value) } };
  if (!isCalendarSize(text)) {
    const which = "only the calendar windows 1d, 1w and 1mo follow a time zone";
    return reader.wrong("timezone", `${which}; those of ${text} are counted from the epoch`);
  }
  return { spec: { window_size: text, timezone }, rule: { window: tumbling(size.value) } };
}

function checkType(reader: RuleReader): void {
  const type = reader.value("window_type");
  if (type === undefined || type === "tumbling") return;
  const known = type === "hopping" || type === "cumulative";
  reader.wrong("window_type", known ? `${type} windows are not available yet in this version` : 'must be "tumbling"');
}

/** The zone's name in its canonical form; undefined when it is none. */
function readTimezone(reader: RuleReader): string | undefined {
  if (reader.value("timezone") === undefined) return "UTC";
  const text = reader.text("timezone");
  if (text === undefined) return undefined;
  const zone = readZone(text);
  if (zone.ok && typeof zone.value === "string") return zone.value;
  return reader.wrong("timezone", 'must be the name of a time zone, such as "Europe/Berlin" or "UTC"');
}
