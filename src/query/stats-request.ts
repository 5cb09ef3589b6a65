import type { Problem } from "../lib/errors.ts";
import { timeMax } from "../lib/rfc3339.ts";
import { parameterCheck } from "../protocol/query.ts";
import { StatsParameters, statsLimits } from "../protocol/stats.ts";
import { type TableFormat, tableFormats } from "../rollup/table.ts";
import type { RuleVersion } from "../rule/registry.ts";
import { windowsOf } from "../rollup/selection.ts";
import type { CheckedRule, RuleWindow, Span } from "../rule/rule.ts";
import { secondsMaxOf } from "../rule/window.ts";
import { oldestKept } from "../rule/retention.ts";
import { startOfSpan } from "../rule/calendar.ts";
import type { WindowQuery } from "../store/store.ts";
import { filtersOf, isFixed } from "./stats-filters.ts";
import { readStep } from "./stats-step.ts";
import { isMoment, readCursor, writeCursor } from "./cursor.ts";
import type { Binding } from "./cursor.ts";
import { checkSpan, refuse, timeOf } from "./parameters.ts";
import type { RawParameters } from "./parameters.ts";

/** The version of a rule whose windows answer, with its texts understood. */
export interface Answering {
  readonly version: RuleVersion;
  readonly rule: CheckedRule;
  /** By whose retention the windows go, where it is not this rule's own: see `readable` of the rulebook. */
  readonly keeper?: CheckedRule;
}

type Place = NonNullable<WindowQuery["behind"]>;
type Page = Place & Pick<WindowQuery, "from" | "to" | "fillTo">;

const dayMs = 86_400_000;
const check = parameterCheck(StatsParameters);

/** The query, the format, and how a cursor to the page behind a row is written. */
export interface StatsRequest {
  readonly query: WindowQuery;
  readonly format: StatsFormat;
  readonly nextCursor: (last: Place) => string;
}

export type StatsFormat = "json" | TableFormat;

/** The place of a row in the order of windows. */
export type { Place };

/**
 * What `/stats` is asked for, from its parameters. Without times: the last 24 hours, and the newest window when it is
 * longer. `limit` is the page's; `nextCursor` names the page behind a row.
 * @throws WeirError `invalid_query` with every mistake.
 */
export function statsRequest(raw: RawParameters, answering: Answering, now: number): StatsRequest {
  const { rule, version } = answering;
  const problems: Problem[] = [];
  const parameters = knownParameters(raw, problems);
  const filters = filtersOf(raw, parameters.null_group, rule.spec.group_by, problems);
  const order = parameters.order === "oldest" || parameters.order === "asc" ? "oldest" : "newest";
  const step = stepOf(parameters.step, rule, problems);
  const fills = parameters.fill === "zero";
  if (fills) checkFill(rule, problems);
  const binding: Binding = ["stats", version.series, { ...rule.spec, active: true }, filters, order, step, fills];
  const page = pageOf(parameters.cursor, binding, rule.groupBy.length, problems);
  const asked = {
    from: timeOf("start_time", parameters.start_time, problems),
    to: timeOf("end_time", parameters.end_time, problems),
  };
  checkSamePage(asked, page, problems);
  const { from, to } = page ?? span(asked.from, asked.to, now, windowsOf({ rule, ...step }));
  checkSpan(from, to, problems);
  const format = formatOf(parameters);
  const limit = limitOf(parameters.limit, format, problems);
  refuse(problems);
  // What has gone by the rule's retention is not answered, also where it is still stored or came back.
  const keptFrom = Math.min(Math.max(from, keptSince(answering, now)), to);
  const fill = fills ? { fillTo: page?.fillTo ?? now } : {};
  const query = { series: version.series, rule, from: keptFrom, to, filters, order, limit, ...step, ...fill } as const;
  const nextCursor = ({ windowStart, windowEnd, group }: Place): string =>
    writeCursor(binding, [from, to, windowStart, windowEnd, group, ...Object.values(fill)]);
  return { query: page ? { ...query, behind: placeOf(page) } : query, format, nextCursor };
}

/** Where the first window begins that may be answered at `now`; both in ms since the epoch. */
export const keptSince = ({ rule, keeper = rule }: Answering, now: number): number =>
  Math.max(oldestKept(rule, now), oldestKept(keeper, now));

const placeOf = ({ windowStart, windowEnd, group }: Page): Place => ({ windowStart, windowEnd, group });

/**
 * The rule that is asked about; the filters can only be understood once it is known.
 * @throws WeirError `invalid_query` when it is not named.
 */
export function ruleIdOf(raw: RawParameters): string {
  const problems: Problem[] = [];
  const { rule_id } = knownParameters(raw, problems);
  if (typeof rule_id === "string" && rule_id !== "") return rule_id;
  refuse(problems);
  throw new TypeError("a missing rule_id passed the check");
}

/**
 * The version of the rule that is asked for.
 * @throws WeirError `invalid_query` when it can't be one.
 */
export function versionOf(raw: RawParameters): number | undefined {
  const problems: Problem[] = [];
  const { version } = knownParameters(raw, problems);
  if (version === undefined || typeof version === "number") return version;
  // What else is wrong is told with it, as far as no rule has to be known for that.
  timeOf("start_time", raw["start_time"], problems);
  timeOf("end_time", raw["end_time"], problems);
  refuse(problems);
  throw new TypeError("a wrong version passed the check");
}

/** What the parameters ask for; `json` when that is not a format, which the check refuses. */
export function formatOf(raw: RawParameters): StatsFormat {
  return tableFormats.find((format) => format === raw.format) ?? "json";
}

/** The schema knows the limit of tables; a list in JSON is shorter. */
function limitOf(limit: unknown, format: StatsFormat, problems: Problem[]): number {
  const { default: otherwise, maximum } = statsLimits[format === "json" ? "json" : "table"];
  if (typeof limit !== "number") return otherwise;
  if (limit > maximum && !problems.some(({ path }) => path === "limit"))
    problems.push({ path: "limit", message: `must be <= ${maximum} when the format is ${format}`, value: limit });
  return limit;
}

/** Checks the names that `/stats` always takes; the others are left for the filters. */
function knownParameters(raw: RawParameters, problems: Problem[]): RawParameters {
  const mine = Object.fromEntries(Object.entries(raw).filter(([name]) => isFixed(name)));
  const checked = check(mine);
  if (checked.ok) return checked.value;
  problems.push(...checked.problems);
  return mine;
}

function pageOf(cursor: unknown, binding: Binding, keys: number, problems: Problem[]): Page | undefined {
  if (typeof cursor !== "string") return undefined;
  return readCursor(cursor, binding, (place) => understand(place, keys), problems);
}

function understand(
  [from, to, windowStart, windowEnd, group, fillTo]: readonly unknown[],
  keys: number,
): Page | undefined {
  if (!isMoment(from) || !isMoment(to) || !isMoment(windowStart) || !isMoment(windowEnd)) return undefined;
  if (fillTo !== undefined && !isMoment(fillTo)) return undefined;
  // The overflow has no group.
  if (!Array.isArray(group) || (group.length !== keys && group.length !== 0)) return undefined;
  const values = group.map((value: unknown) => (typeof value === "string" ? value : null));
  return { from, to, windowStart, windowEnd, group: values, ...(fillTo === undefined ? {} : { fillTo }) };
}

/** A page has the span of the first one, also when that came from the clock; times that are given again must be the same. */
function checkSamePage(
  asked: { from: number | undefined; to: number | undefined },
  page: Page | undefined,
  problems: Problem[],
): void {
  if (page === undefined) return;
  if ((asked.from ?? page.from) === page.from && (asked.to ?? page.to) === page.to) return;
  problems.push({ path: "cursor", message: "belongs to a query with other times" });
}

function span(
  from: number | undefined,
  to: number | undefined,
  now: number,
  windows: RuleWindow,
): { from: number; to: number } {
  const end = to ?? Math.max(now, from === undefined ? 0 : Math.min(from + 1, timeMax));
  const oldestOpen = oldestAround(end - 1, windows);
  return { from: from ?? Math.max(0, Math.min(end - dayMs, oldestOpen)), to: end };
}

/** The start of the first window that holds the moment. */
function oldestAround(ms: number, { size, hop }: RuleWindow): number {
  if (hop === undefined || size.unit !== "second") return startOfSpan(size, ms);
  return startOfSpan(hop, ms) - (secondsMaxOf(size) - secondsMaxOf(hop)) * 1000;
}

function stepOf(text: unknown, { window }: CheckedRule, problems: Problem[]): { readonly step?: Span } {
  if (typeof text !== "string") return {};
  const step = readStep(text, window);
  if (step.ok) return { step: step.value };
  problems.push({ path: "step", message: step.message, value: text });
  return {};
}

/** A group that such a rule leaves out of a window is not one without events. */
function checkFill({ having, topN }: CheckedRule, problems: Problem[]): void {
  if (having.length === 0 && topN === undefined) return;
  problems.push({ path: "fill", message: "can't be zero for a rule with having or top_n", value: "zero" });
}
