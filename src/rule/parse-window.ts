import { readZone } from "./cel/literals.ts";
import { parseHop } from "./parse-hop.ts";
import type { CheckedRule, RuleSpec, RuleWindow, Span } from "./rule.ts";
import { type RulePart, type RuleReader, suggestion } from "./rule-reader.ts";
import { isCalendarSize, parseWindowSize, tumbling } from "./window.ts";

type WindowSpec = Pick<RuleSpec, "window_size" | "window_type" | "hop" | "timezone">;
type WindowPart = RulePart<WindowSpec, Pick<CheckedRule, "window">>;

/** Reads `window_size`, `window_type`, `hop` and `timezone`. */
export function parseWindow(reader: RuleReader): WindowPart | undefined {
  const kind = readKind(reader);
  const size = readSize(reader);
  const hop = kind === undefined ? undefined : readHop(reader, kind);
  if (kind === undefined || size === undefined || hop === undefined) return undefined;
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

function readKind(reader: RuleReader): Kind | undefined {
  const type = reader.value("window_type");
  if (type === undefined) return reader.value("hop") === undefined ? "tumbling" : "hopping";
  const known = kinds.find((kind) => kind === type);
  if (known !== undefined) return known;
  const meant = typeof type === "string" ? suggestion(type, kinds) : "";
  return reader.wrong("window_type", `must be "tumbling", "hopping" or "cumulative"${meant}`);
}

/** Nothing for tumbling windows; undefined when it is wrong. */
function readHop(reader: RuleReader, kind: Kind): string | undefined {
  const given = reader.value("hop") !== undefined;
  if (kind !== "tumbling") return reader.text("hop");
  if (!given) return "";
  return reader.wrong("hop", 'is nothing that tumbling windows have; leave it out, or take "hopping" or "cumulative"');
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
  const which = "only the calendar windows 1d, 1w and 1mo follow a time zone";
  return reader.wrong("timezone", `${which}; those of ${text} are counted from the epoch`);
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
