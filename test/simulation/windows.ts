import type { RuleSpec } from "../../src/rule/rule.ts";
import type { WindowQuery, WindowRow } from "../../src/store/store.ts";
import type { OracleRow } from "../oracle/model.ts";
import { oracle } from "../oracle/oracle.ts";
import { compareGroups } from "../oracle/overflow.ts";
import type { Entry } from "./plan-reader.ts";
import { filters } from "./rules.ts";
import type { Series, Tables } from "./tables.ts";

interface Computed {
  readonly version: number;
  readonly rows: readonly WindowRow[];
}

/** Reads windows from what has entered a series, by the oracle's reckoning. */
export class Windows {
  readonly #tables: Tables;
  readonly #computed = new WeakMap<Series, Map<string, Computed>>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  read({ series, rule, from, to, order, limit }: WindowQuery): WindowRow[] {
    const known = this.#tables.series.get(series);
    if (known === undefined) return [];
    const rows = this.#all(known, rule.spec).filter((row) => from <= row.windowStart && row.windowStart < to);
    return (order === "newest" ? rows : rows.toReversed()).slice(0, limit);
  }

  newestPane(series: number): number | undefined {
    const panes = this.#tables.series.get(series)?.entries.map(({ pane }) => pane) ?? [];
    return panes.length === 0 ? undefined : Math.max(...panes);
  }

  #all(series: Series, spec: RuleSpec): readonly WindowRow[] {
    const cache = this.#computed.get(series) ?? new Map<string, Computed>();
    this.#computed.set(series, cache);
    const key = `${spec.window_size} ${spec.metric} ${spec.field}`;
    const known = cache.get(key);
    if (known?.version === series.version) return known.rows;
    const computed = { version: series.version, rows: rowsOf(series.entries, spec) };
    cache.set(key, computed);
    return computed.rows;
  }
}

function rowsOf(entries: readonly Entry[], bounded: RuleSpec): WindowRow[] {
  const spec = { ...bounded, max_groups: undefined };
  const inside = entries.filter(({ overflows }) => !overflows).map(({ row }) => row);
  const outside = entries.filter(({ overflows }) => overflows).map(({ row }) => row);
  const [grouped] = oracle([spec], inside, filters);
  const [overflow] = oracle([{ ...spec, group_by: [] }], outside, filters);
  return [...grouped!.rows, ...overflow!.rows].map(windowRow).toSorted(newestFirst);
}

function windowRow({ windowStart, windowEnd, group, value }: OracleRow): WindowRow {
  if (typeof value !== "number") throw new TypeError("the windows of the simulation hold numbers");
  return { windowStart, windowEnd, group, value };
}

const newestFirst = (a: WindowRow, b: WindowRow): number =>
  b.windowStart - a.windowStart || compareGroups(a.group, b.group);
