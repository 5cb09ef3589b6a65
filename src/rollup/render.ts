import type { OffsetRange } from "../event/position.ts";
import { Bindings } from "./bindings.ts";
import { groupType, renderBranch, splitIntoBranches } from "./branch.ts";
import { renderEvents } from "./events.ts";
import { type Rooms, boundedSeries, heldToBounds, roomValues } from "./overflow.ts";
import { type StateName, stateColumns, stateNames } from "./metrics.ts";
import type { RollupPlan } from "./plan.ts";
import type { Statement } from "./statement.ts";

/** Rows of these series, and of series 2, which lists groups (see overflow.ts), are no windows of a rule. */
export const seriesOfMarks = 0;
export const seriesOfCounts = 1;

export interface RollupExtras extends Rooms {
  /** The texts that name the finished range: `series:src:from-to`. */
  readonly marks: readonly { readonly key: string }[];
  readonly counts: { readonly src: number; readonly events: number; readonly duplicates: number } | null;
  /** The statement fails when a pass has more groups; missing: never. */
  readonly groupsMax?: number;
  /** A condition that is to hold before anything is written; it throws where it does not. */
  readonly when?: Statement;
  /** The table; missing: the one of all rollups. */
  readonly into?: "rollups_trial";
}

/**
 * The one statement that rolls up the raw rows of a range for all rules of a plan: each field is read once, shapes are
 * groupings of few passes; the mark and the counters are rows of the same insert. The text depends on the plan's shapes
 * alone; the range, the paths, the sizes and what each rule takes are bound.
 *
 * Run it so that one INSERT makes one part: `max_insert_threads = 1`, `min_insert_block_size_rows` and `_bytes` above
 * anything, `async_insert = 0`, `insert_deduplicate = 0`.
 */
export function renderRollup(plan: RollupPlan, range: OffsetRange, extras: RollupExtras): Statement {
  const rules = rulesPart(plan);
  const sql = [
    `INSERT INTO ${extras.into ?? "rollups"} (${columnsOf(rules.states).join(", ")})`,
    ...rules.clause,
    [...rules.selects, ownRows(rules.states, extras.when)].join("\nUNION ALL\n"),
    ...rules.settings,
  ].join("\n");
  const rooms = rules.bounded.length === 0 ? {} : roomValues(rules.bounded, extras);
  const guard = rules.guarded ? { groups_max: extras.groupsMax ?? countless } : {};
  return {
    sql,
    parameters: { ...range, ...rules.parameters, ...rooms, ...guard, ...ownValues(extras), ...extras.when?.parameters },
  };
}

/**
 * The rows of `renderRollup` for its rules alone, as a SELECT of these columns. The range is left to be bound: `src` UInt16,
 * `from` and `to` UInt64. `settings` is a clause for the end of the statement that it becomes a part of.
 */
export function renderRows(
  plan: RollupPlan,
): Statement & { readonly columns: readonly string[]; readonly settings: string } {
  const { clause, selects, settings, parameters, states } =
    plan.shapes.length === 0 ? nothing : renderRules(plan, false);
  return {
    sql: [...clause, selects.join("\nUNION ALL\n")].join("\n"),
    parameters,
    columns: columnsOf(states),
    settings: settings.join("\n"),
  };
}

const columnsOf = (states: readonly StateName[]): readonly string[] => [
  "series",
  "pane",
  "grp",
  "n",
  "skipped",
  "late",
  ...states,
];

interface RulesPart {
  readonly clause: readonly string[];
  readonly selects: readonly string[];
  readonly settings: readonly string[];
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The kinds of state that any rule keeps; the others are not written and so have their defaults. */
  readonly states: readonly StateName[];
  /** The series whose groups are looked up. */
  readonly bounded: readonly number[];
  /** Whether there is a bound of groups in it. */
  readonly guarded: boolean;
}

/** What depends on the plan alone is rendered once for it: with a thousand rules that takes a while. */
function rulesPart(plan: RollupPlan): RulesPart {
  const known = rendered.get(plan);
  if (known !== undefined) return known;
  const part = plan.shapes.length === 0 ? nothing : renderRules(plan, hasGroups(plan));
  rendered.set(plan, part);
  return part;
}

const rendered = new WeakMap<RollupPlan, RulesPart>();

const nothing: RulesPart = {
  clause: [],
  selects: [],
  settings: [],
  parameters: {},
  states: [],
  bounded: [],
  guarded: false,
};
const countless = Number.MAX_SAFE_INTEGER;

const hasGroups = ({ shapes }: RollupPlan): boolean => shapes.some(({ groupBy }) => groupBy.length > 0);

function renderRules(plan: RollupPlan, guarded: boolean): RulesPart {
  const bindings = new Bindings();
  const events = renderEvents(plan, bindings);
  const split = splitIntoBranches(plan);
  const states = stateNames.filter((name) => split.some(({ aggregates }) => aggregates.states.includes(name)));
  // The events are kept for several branches, or each of them would read and parse them again.
  const shared = split.length > 1;
  const source = shared ? "batch" : `(\n${events.sql}\n  )`;
  const branches = split.map((branch, index) =>
    renderBranch(branch, { source, events, states, guarded, parameter: `members${index + 1}` }),
  );
  return {
    clause: shared ? [`WITH batch AS MATERIALIZED (\n${events.sql}\n)`] : [],
    selects: branches.map(({ sql }, index) => heldToBounds(split[index]!, sql, states)),
    settings: [
      `SETTINGS group_by_use_nulls = 0, force_grouping_standard_compatibility = 1${shared ? ", enable_materialized_cte = 1" : ""}`,
    ],
    parameters: {
      ...bindings.values,
      ...Object.fromEntries(branches.map((branch, index) => [`members${index + 1}`, branch.members])),
    },
    states,
    bounded: split.flatMap(boundedSeries),
    guarded,
  };
}

/** The rows that are no windows: the mark and the counters. Their text stands where a group's would. */
function ownRows(states: readonly StateName[], when: Statement | undefined): string {
  const empty = states.map((name) => stateColumns[name].empty);
  const values = [
    "toUInt32(own)",
    "toDateTime(0, 'UTC')",
    `CAST([text], '${groupType}')`,
    "n",
    "skipped",
    "toUInt64(0)",
  ];
  return `SELECT ${[...values, ...empty].join(", ")}
FROM system.one
ARRAY JOIN {own:Array(UInt32)} AS own, {texts:Array(String)} AS text, {events:Array(UInt64)} AS n, {repeats:Array(UInt64)} AS skipped${when === undefined ? "" : `\nWHERE ${when.sql}`}`;
}

function ownValues({ marks, counts }: RollupExtras): Readonly<Record<string, unknown>> {
  const rows = marks.map(({ key }) => ({ series: seriesOfMarks, text: key, events: 0, duplicates: 0 }));
  if (counts !== null) rows.push({ ...counts, series: seriesOfCounts, text: String(counts.src) });
  return {
    own: rows.map((row) => row.series),
    texts: rows.map((row) => row.text),
    events: rows.map((row) => row.events),
    repeats: rows.map((row) => row.duplicates),
  };
}
