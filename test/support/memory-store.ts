import { Readable } from "node:stream";
import type { Comparison } from "../../src/rollup/verify.ts";
import type { Position, RejectQuery, RejectedEvent } from "../../src/store/rejects.ts";
import type {
  DifferenceKind,
  Differences,
  EventQuery,
  SeriesCounts,
  Store,
  StoredEvent,
  TableQuery,
  Totals,
  Trial,
  TrialQuery,
  WindowQuery,
  WindowRow,
  WindowTable,
} from "../../src/store/store.ts";

/** The reading side of a store over rows that a test puts there. Computes nothing. */
export class MemoryStore implements Pick<
  Store,
  | "windows"
  | "windowTable"
  | "newestPane"
  | "seriesCounts"
  | "events"
  | "totals"
  | "tryOut"
  | "rejects"
  | "dropRejects"
  | "compare"
> {
  readonly #series = new Map<number, Map<string, WindowRow>>();
  readonly stored: StoredEvent[] = [];
  rejected: RejectedEvent[] = [];
  readonly counts = new Map<number, SeriesCounts>();
  /** What every trial gives. */
  trial: Trial = {
    ...{ events: 0, span: null, entered: 0, skipped: 0, late: 0, groups: 0, groupsKept: 0 },
    ...{ rows: 0, panes: 0, windows: [], engineMs: 0, rowsRead: 0 },
  };
  /** Called before each read, with what is read; may delay or fail it. */
  before: (read: string) => Promise<void> = async () => {};
  reads: string[] = [];

  /** A window is of ten minutes unless its end is given. */
  set(series: number, row: Omit<WindowRow, "windowEnd"> & Partial<Pick<WindowRow, "windowEnd">>): void {
    const rows = this.#series.get(series) ?? new Map<string, WindowRow>();
    const windowEnd = row.windowEnd ?? row.windowStart + 600_000;
    this.#series.set(series, rows.set(JSON.stringify([row.windowStart, windowEnd, row.group]), { ...row, windowEnd }));
  }

  /** Takes out all rows of a window, or those of a group. */
  remove(series: number, windowStart: number, group?: string | null): void {
    const rows = this.#series.get(series);
    for (const [key, row] of rows ?? [])
      if (row.windowStart === windowStart && (group === undefined || row.group[0] === group)) rows?.delete(key);
  }

  drop(series: number): void {
    this.#series.delete(series);
  }

  /** All rows of a series, now. */
  rows(series: number): WindowRow[] {
    return [...(this.#series.get(series)?.values() ?? [])];
  }

  async windows(query: WindowQuery): Promise<readonly WindowRow[]> {
    await this.#read(`windows ${query.series}`);
    const inOrder = (a: WindowRow, b: WindowRow): number => compareRows(a, b, query.order);
    const rows = this.rows(query.series)
      .filter((row) => query.from <= row.windowStart && row.windowStart < query.to)
      .filter((row) => query.filters.every(({ key, value }) => row.group[key] === value))
      .toSorted(inOrder);
    const { behind } = query;
    const rest = behind === undefined ? rows : rows.filter((row) => inOrder(row, { ...behind, value: 0 }) > 0);
    return rest.slice(0, query.limit);
  }

  /** Every format is a line of JSON for each row, and `finalThrough` does nothing. */
  async windowTable(query: TableQuery): Promise<WindowTable> {
    const rows = await this.windows({ ...query, limit: query.limit + 1 });
    const page = rows.slice(0, query.limit);
    const last = rows.length > page.length ? page.at(-1) : undefined;
    const read = async (): Promise<Readable> => {
      await this.#read(`table ${query.series} ${query.format}`);
      return Readable.from(
        page.map((row) => Buffer.from(`${JSON.stringify(row)}\n`)),
        { objectMode: false },
      );
    };
    return last === undefined ? { read } : { last, read };
  }

  async newestPane(series: number): Promise<number | undefined> {
    await this.#read(`newest ${series}`);
    const starts = this.rows(series).map((row) => row.windowStart);
    return starts.length === 0 ? undefined : starts.reduce((a, b) => Math.max(a, b));
  }

  async seriesCounts(series: readonly number[]): Promise<ReadonlyMap<number, SeriesCounts>> {
    await this.#read(`counts ${series.join(" ")}`);
    return new Map(
      series.map((one) => [one, this.counts.get(one) ?? { skipped: 0, late: 0, groups: 0, ungrouped: 0 }]),
    );
  }

  async events(query: EventQuery): Promise<readonly StoredEvent[]> {
    await this.#read("events");
    const equal = (event: StoredEvent, key: "event_id" | "event_type" | "user_id"): boolean =>
      query[key] === undefined || event[key] === query[key];
    const { behind } = query;
    return this.stored
      .filter((event) => query.from <= event.timestamp && event.timestamp < query.to)
      .filter((event) => equal(event, "event_id") && equal(event, "event_type") && equal(event, "user_id"))
      .toSorted(newestFirst)
      .filter((event) => behind === undefined || newestFirst(event, behind) > 0)
      .slice(0, query.limit);
  }

  async tryOut(query: TrialQuery): Promise<Trial> {
    await this.#read(`trial ${query.rule.spec.rule_id} ${query.eventsMax}`);
    return { ...this.trial, windows: this.trial.windows.slice(0, query.limit) };
  }

  async compare(_: Comparison, kind: DifferenceKind): Promise<Differences> {
    return { compared: kind, different: 0, rows: [] };
  }

  async totals(): Promise<Totals> {
    await this.#read("totals");
    return { events: this.stored.length, duplicates: 0, rejects: this.rejected.length };
  }

  async rejects({ limit, behind }: RejectQuery): Promise<readonly RejectedEvent[]> {
    await this.#read("rejects");
    const newest = (a: RejectPlace, b: RejectPlace): number =>
      b.rejectedAt - a.rejectedAt || b.src - a.src || b.off - a.off;
    return this.rejected
      .toSorted(newest)
      .filter((event) => behind === undefined || newest(event, behind) > 0)
      .slice(0, limit);
  }

  async dropRejects(positions: readonly Position[]): Promise<number> {
    const isNamed = (event: Position): boolean =>
      positions.some(({ src, off }) => src === event.src && off === event.off);
    const before = this.rejected.length;
    this.rejected = this.rejected.filter((event) => !isNamed(event));
    return before - this.rejected.length;
  }

  #read(what: string): Promise<void> {
    this.reads.push(what);
    return this.before(what);
  }
}

/** Windows in the asked order, then groups ascending, null last. */
export function compareRows(a: WindowRow, b: WindowRow, order: WindowQuery["order"]): number {
  const later = a.windowStart - b.windowStart || a.windowEnd - b.windowEnd;
  if (later !== 0) return later * (order === "newest" ? -1 : 1);
  for (const [index, left] of a.group.entries()) {
    const right = b.group[index] ?? null;
    if (left === right) continue;
    if (left === null) return 1;
    return right === null || left < right ? -1 : 1;
  }
  return 0;
}

type RejectPlace = NonNullable<RejectQuery["behind"]>;
type EventPlace = Pick<StoredEvent, "timestamp" | "src" | "off">;

function newestFirst(a: EventPlace, b: EventPlace): number {
  return b.timestamp - a.timestamp || b.src - a.src || b.off - a.off;
}
