import { commonDivisor } from "../lib/divisor.ts";
import { grainOf } from "./calendar.ts";
import { type Reading, read, wrong } from "./reading.ts";
import type { RuleWindow, Span } from "./rule.ts";
import { formatDuration, parseDuration, parseWindowSize, secondsMaxOf } from "./window.ts";

/** The most windows that one event may be in: every answer merges so many panes. */
const overlapMax = 1000;
const daySeconds = 86_400;

/** Windows of `size` that begin at every hop, or grow by it. `sizeText` is for messages. */
export function parseHop(
  kind: "hopping" | "cumulative",
  text: string,
  size: Span,
  sizeText: string,
): Reading<RuleWindow> {
  const window = size.unit === "second" ? ofSeconds(kind, text, size) : ofCalendar(kind, text, size, sizeText);
  if (!window.ok) return window;
  const most = Math.ceil(secondsMaxOf(size) / secondsMaxOf(window.value.hop ?? size));
  if (most <= overlapMax) return window;
  return wrong(`makes ${most} windows of each ${sizeText}, and at most ${overlapMax} are possible; take a longer one`);
}

function ofSeconds(
  kind: "hopping" | "cumulative",
  text: string,
  size: Extract<Span, { readonly unit: "second" }>,
): Reading<RuleWindow> {
  const seconds = parseDuration(text, "1s");
  if (!seconds.ok) return seconds;
  const count = seconds.value;
  if (count === size.count) return wrong("is as long as the window; leave it out, for windows that don't overlap");
  if (count > size.count || size.count % count !== 0) return wrong("must divide window_size, as 5m divides 1h");
  const hop: Span = { unit: "second", count };
  return read({ kind, size, hop, pane: hop });
}

/** Days, weeks and months grow by days, or by hops of which every day of the zone has a whole number, counted from the epoch too. */
function ofCalendar(
  kind: "hopping" | "cumulative",
  text: string,
  size: Exclude<Span, { readonly unit: "second" }>,
  sizeText: string,
): Reading<RuleWindow> {
  if (kind === "hopping")
    return wrong(
      `windows of ${sizeText} follow the calendar and don't overlap; take "cumulative", or a size in s, m, h`,
    );
  const hop = parseWindowSize(text, size.timezone);
  if (hop.ok && isHopOf(size, hop.value)) return read({ kind, size, hop: hop.value, pane: hop.value });
  const most = formatDuration(commonDivisor(daySeconds, grainOf(size.timezone)));
  const orDay = size.unit === "day" ? "" : ', or be "1d"';
  return wrong(`must divide ${most}, for so the days of ${size.timezone} begin${orDay}`);
}

function isHopOf(size: Exclude<Span, { readonly unit: "second" }>, hop: Span): boolean {
  if (hop.unit !== "second") return hop.unit === "day" && size.unit !== "day";
  return daySeconds % hop.count === 0 && grainOf(size.timezone) % hop.count === 0;
}
