import { type EventKey, type RawPiece, type RollupTask, type Unlisted } from "../../src/store/store.ts";
import { unpack } from "../../src/event/packed.ts";
import { type OffsetRange, type Src, offset } from "../../src/event/position.ts";
import { compareGroups } from "../oracle/overflow.ts";
import { type Entry, type RawRow, entriesOf } from "./plan-reader.ts";

/** The windows of a series: every event that entered, as often as it was rolled up. */
export interface Series {
  entries: Entry[];
  /** Grows with every change. */
  version: number;
  readonly listed: Set<string>;
}

/** Spoils one write on purpose, so that the judge is seen to find it. */
export interface Spoiler {
  raw(rows: RawRow[]): RawRow[];
  rollup(entries: Entry[], series: number): Entry[];
}

/** What the simulated store keeps: outlives every process. Each method is one part of a write: all of it happens at once. */
export class Tables {
  readonly raw: RawRow[] = [];
  readonly series = new Map<number, Series>();
  readonly fillMarks = new Map<number, OffsetRange[]>();
  liveMarks: OffsetRange[] = [];
  readonly totals = { events: 0, duplicates: 0 };
  readonly #spoiler: Spoiler | undefined;

  constructor(spoiler?: Spoiler) {
    this.#spoiler = spoiler;
  }

  insert(rows: RawRow[]): void {
    this.raw.push(...(this.#spoiler?.raw(rows) ?? rows));
  }

  /** Rows, groups that are listed and marks: one part. */
  rollUp({ plan, range, marks, counts, rooms }: RollupTask): void {
    const rows = this.#rowsOf(range);
    for (const shape of plan.shapes)
      for (const member of shape.members) {
        const series = this.of(member.series);
        const found = entriesOf(plan, shape, member, rows);
        const entries = member.bounded ? housed(found, series, rooms?.get(member.series) ?? 0) : found;
        series.entries.push(...(this.#spoiler?.rollup(entries, member.series) ?? entries));
        series.version += 1;
      }
    for (const mark of marks) this.#mark(mark.series, mark.range);
    this.totals.events += counts?.events ?? 0;
    this.totals.duplicates += counts?.duplicates ?? 0;
  }

  /** Whether a series would have more groups in this range, or more new ones than it has room for at the moment. */
  exceeds({ plan, range, groupsMax = Infinity, rooms, roomMayGrow }: RollupTask): boolean {
    const rows = this.#rowsOf(range);
    return plan.shapes.some((shape) =>
      shape.members.some(({ series, ...member }) => {
        const groups = groupsIn(entriesOf(plan, shape, { series, ...member }, rows));
        if (groups.size > groupsMax) return true;
        if (!member.bounded || !roomMayGrow?.has(series)) return false;
        return groups.difference(this.of(series).listed).size > (rooms?.get(series) ?? 0);
      }),
    );
  }

  drop(series: number): void {
    this.series.delete(series);
    this.fillMarks.delete(series);
  }

  hasBefore(series: number, before: number): boolean {
    return this.series.get(series)?.entries.some(({ pane }) => pane < before) ?? false;
  }

  /** What has windows no more, has no groups. */
  dropBefore(series: number, before: number): void {
    const one = this.of(series);
    one.entries = one.entries.filter(({ pane }) => pane >= before);
    one.version += 1;
    const left = groupsIn(one.entries);
    for (const group of one.listed) if (!left.has(group)) one.listed.delete(group);
  }

  forget(marks: readonly OffsetRange[]): void {
    this.liveMarks = this.liveMarks.filter((mark) => !marks.includes(mark));
  }

  /** One mark for those of a series that lie end to end from the first position on. */
  join(src: Src, series: readonly number[]): void {
    for (const one of series) {
      const marks = (this.fillMarks.get(one) ?? []).toSorted((a, b) => a.from - b.from);
      let end = 0;
      for (const mark of marks) if (mark.src === src && mark.from <= end) end = Math.max(end, mark.to + 1);
      const others = marks.filter((mark) => mark.src !== src || mark.to >= end);
      if (end > 0) this.fillMarks.set(one, [...others, { src, from: offset(0), to: offset(end - 1) }]);
    }
  }

  /** The groups of these rows that are not on the list. */
  unlisted({ series, from, to }: Unlisted): Set<string> {
    const { entries, listed } = this.of(series);
    return groupsIn(entries.filter(({ pane }) => from <= pane && pane < to)).difference(listed);
  }

  /** The keys that raw has below an offset. */
  found(keys: readonly EventKey[], below: number): EventKey[] {
    return keys.filter(({ event_id, timestamp }) =>
      this.raw.some((row) => row.event_id === event_id && row.timestamp === timestamp && row.off < below),
    );
  }

  of(series: number): Series {
    const known = this.series.get(series);
    if (known !== undefined) return known;
    const made: Series = { entries: [], version: 0, listed: new Set() };
    this.series.set(series, made);
    return made;
  }

  #rowsOf(range: OffsetRange): RawRow[] {
    return this.raw.filter(({ src, off }) => src === range.src && range.from <= off && off <= range.to);
  }

  #mark(series: number, range: OffsetRange): void {
    if (series === 0) this.liveMarks = [...this.liveMarks, range].toSorted((a, b) => a.from - b.from);
    else this.fillMarks.set(series, [...(this.fillMarks.get(series) ?? []), range]);
  }
}

/** The rows of the pieces, one list for each month: a part of the table each. */
export function partsOf(src: number, pieces: readonly RawPiece[]): RawRow[][] {
  const parts = new Map<string, RawRow[]>();
  for (const piece of pieces)
    for (const [index, { payload: text, ...event }] of unpack(piece.events).entries()) {
      if (piece.skip?.[index]) continue;
      const payload: Record<string, unknown> = JSON.parse(text);
      const row = { ...event, payload, text, src, off: piece.from + index, receivedAt: piece.receivedAt };
      const month = new Date(event.timestamp).toISOString().slice(0, 7);
      parts.set(month, [...(parts.get(month) ?? []), row]);
    }
  return [...parts.values()];
}

const keyOf = ({ group }: Entry): string => JSON.stringify(group);

const groupsIn = (entries: readonly Entry[]): Set<string> =>
  new Set(entries.filter(({ group, overflows }) => group.length > 0 && !overflows).map(keyOf));

/** Of the groups that are not listed those come in that most events enter, as many as there is room for. */
function housed(entries: readonly Entry[], { listed }: Series, room: number): Entry[] {
  const fresh = Map.groupBy(
    entries.filter((entry) => !listed.has(keyOf(entry))),
    keyOf,
  );
  const [...byEvents] = fresh.values();
  byEvents.sort((a, b) => b.length - a.length || compareGroups(a[0]!.group, b[0]!.group));
  for (const [entry] of byEvents.slice(0, room)) listed.add(keyOf(entry!));
  return entries.map((entry) => (listed.has(keyOf(entry)) ? entry : { ...entry, overflows: true }));
}
