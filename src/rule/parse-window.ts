import { readZone } from "./cel/literals.ts";
import { parseHop } from "./parse-hop.ts";
import type { CheckedRule, RuleSpec, RuleWindow, Span } from "./rule.ts";
import { type RulePart, type RuleReader, suggestion } from "./rule-reader.ts";
import { isCalendarSize, parseDuration, parseWindowSize, tumbling } from "./window.ts";

type WindowSpec = Pick<RuleSpec, "window_size" | "window_type" | "hop" | "timezone">;
type WindowPart = RulePart<WindowSpec, Pick<CheckedRule, "window">>;

/** Reads `window_size`, `window_type`, `hop` and `timezone`. */
export function parseWindow(reader: RuleReader): WindowPart | undefined {
  const kind = readKind(reader);
  const size = readSize(reader);
  const hop = readHop(reader, kind);
  if (kind === undefined || size === undefined) return checkAlone(reader, hop);
  if (hop === undefined) return undefined;
  const { timezone } = size;
  const zone = timezone === "UTC" ? {} : { timezone };
  if (hop === "") return { spec: { window_size: size.text, ...zone }, rule: { window: tumbling(size.span) } };
  const window = overlapping(reader, kind, hop, size);
  if (window === undefined) return undefined;
  // With a hop, windows are hopping unless told otherwise.
  const type = window.kind === "cumulative" ? { window_type: window.kind } : {};
  return { spec: { window_size: size.text, ...type, hop, ...zone }, rule: { window } };
}

type Kind = RuleWindow["kind"];
const kinds: readonly Kind[] = ["tumbling", "hopping", "cumulative"];

/** The kind that is asked for, whatever else is wrong; undefined when there is none of its name. */
export function kindOf(reader: RuleReader): Kind | undefined {
  const type = reader.value("window_type");
  if (type === undefined) return reader.value("hop") === undefined ? "tumbling" : "hopping";
  return kinds.find((kind) => kind === type);
}

function readKind(reader: RuleReader): Kind | undefined {
  const kind = kindOf(reader);
  if (kind !== undefined) return kind;
  const type = reader.value("window_type");
  const meant = typeof type === "string" ? suggestion(type, kinds) : "";
  return reader.wrong("window_type", `must be "tumbling", "hopping" or "cumulative"${meant}`);
}

/** Nothing for tumbling windows; undefined when it is wrong. */
function readHop(reader: RuleReader, kind: Kind | undefined): string | undefined {
  const given = reader.value("hop") !== undefined;
  if (kind === undefined) return given ? reader.text("hop") : "";
  if (kind !== "tumbling") return reader.text("hop");
  if (!given) return "";
  return reader.wrong("hop", 'is nothing that tumbling windows have; leave it out, or take "hopping" or "cumulative"');
}

/** What is wrong with a hop whatever the windows are, when these could not be read. */
function checkAlone(reader: RuleReader, hop: string | undefined): undefined {
  if (hop === undefined || hop === "") return;
  const seconds = parseDuration(hop, "1s");
  if (!seconds.ok) reader.wrong("hop", seconds.message);
}

interface Size {
  readonly text: string;
  readonly timezone: string;
  readonly span: Span;
}

function readSize(reader: RuleReader): Size | undefined {
  const text = reader.text("window_size");
  const timezone = readTimezone(reader);
  if (text === undefined) return undefined;
  const span = parseWindowSize(text, timezone ?? "UTC");
  if (!span.ok) return reader.wrong("window_size", span.message);
  if (timezone === undefined) return undefined;
  if (timezone === "UTC" || isCalendarSize(text)) return { text, timezone, span: span.value };
  const which = "is for the calendar windows 1d, 1w and 1mo alone";
  return reader.wrong("timezone", `${which}; those of ${text} are counted from the epoch; leave it out`);
}

function overlapping(reader: RuleReader, kind: Kind, hop: string, size: Size): RuleWindow | undefined {
  const window = parseHop(kind === "cumulative" ? kind : "hopping", hop, size.span, size.text);
  return window.ok ? window.value : reader.wrong("hop", window.message);
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
