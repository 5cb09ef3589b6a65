import { type Src, offset } from "../../src/event/position.ts";
import type { RawPiece, RollupTask, Store, Unlisted } from "../../src/store/store.ts";
import type { Engine } from "./engine.ts";
import { isHeavy } from "./rules.ts";
import { type Tables, partsOf } from "./tables.ts";
import type { Windows } from "./windows.ts";

/**
 * What the parts of the server use of a store, on the simulated tables and through an engine that fails; and for more live
 * events at once than `memoryEvents` it has no memory.
 */
export function simulatedStore(
  tables: Tables,
  windows: Windows,
  engine: Engine,
  memoryEvents: () => number = () => Infinity,
): Store {
  return { ...writes(tables, engine, memoryEvents), ...questions(tables, windows, engine), ...unused };
}

type Writes =
  | ("open" | "close" | "insertRaw" | "rollUp" | "takeOver" | "settle")
  | ("joinFillMarks" | "forgetMarks" | "dropSeries" | "dropWindows");

function writes(tables: Tables, engine: Engine, memoryEvents: () => number): Pick<Store, Writes> {
  return {
    open: async () => {},
    close: async () => {},
    takeOver: () => engine.settle(),
    settle: () => engine.settle(),
    insertRaw: async (src: Src, pieces: readonly RawPiece[]) => {
      const parts = partsOf(src, pieces).map((rows) => () => tables.insert(rows));
      if (parts.length > 0) await engine.write("raw", parts);
    },
    rollUp: (task) =>
      (task.counts?.events ?? 0) > memoryEvents() ? engine.exceed("rollup", "memory") : rollUp(tables, engine, task),
    joinFillMarks: (src, series) => engine.write("join marks of fills", [() => tables.join(src, series)]),
    forgetMarks: async (_, below) => {
      const marks = await engine.read(() => tables.liveMarks.slice(0, -1).filter((mark) => mark.to < below));
      if (marks.length > 0) await engine.write("forget marks", [() => tables.forget(marks)]);
    },
    dropSeries: (series) => engine.write(`drop ${series}`, [() => tables.drop(series)]),
    dropWindows: async (expired) => {
      const due = expired.filter(({ series, before }) => tables.hasBefore(series, before));
      const drop = (): void => due.forEach(({ series, before }) => tables.dropBefore(series, before));
      if (due.length > 0) await engine.write(`windows of ${due.map(({ series }) => series).join(" ")} go`, [drop]);
      return due.map(({ series }) => series);
    },
  };
}

async function rollUp(tables: Tables, engine: Engine, task: RollupTask): Promise<boolean> {
  let isTooMuch = false;
  const name = `rollup of ${task.marks.map(({ series }) => series).join(" ")} ${task.range.from}-${task.range.to}`;
  if (isHeavy(task.plan)) return engine.exceed(name);
  const part = (): void => {
    isTooMuch = tables.exceeds(task);
    if (!isTooMuch) tables.rollUp(task);
  };
  await engine.write(name, [part]);
  return !isTooMuch;
}

type Questions =
  | (
      | "marks"
      | "fillMarks"
      | "firstEvents"
      | "storedOffsets"
      | "latestIds"
      | "findIds"
      | "seriesKept"
      | "newestSeries"
      | "windows"
      | "newestPane"
    )
  | ("listGroups" | "seriesCounts" | "events" | "totals" | "ping");

function questions(tables: Tables, windows: Windows, engine: Engine): Pick<Store, Questions> {
  return {
    marks: (_, src, from) => engine.read(() => tables.liveMarks.filter((mark) => mark.src === src && mark.to >= from)),
    fillMarks: (series) =>
      engine.read(
        () => new Map(series.flatMap((one) => (tables.fillMarks.has(one) ? [[one, tables.fillMarks.get(one)!]] : []))),
      ),
    firstEvents: ({ from, to }, eventsMax) =>
      engine.read(() => {
        const offs = tables.raw.map(({ off }) => offset(off)).filter((off) => off >= from && off <= to);
        const first = offs.toSorted((a, b) => a - b).slice(0, eventsMax);
        return { events: first.length, last: first.at(-1) ?? from };
      }),
    storedOffsets: (_, from) =>
      engine.read(() => {
        const offs = new Set(tables.raw.map(({ off }) => off).filter((off) => off >= from));
        return [...offs].toSorted((a, b) => a - b).map(offset);
      }),
    latestIds: (_, limit) =>
      engine.read(() => tables.raw.toSorted((a, b) => b.timestamp - a.timestamp).slice(0, limit)),
    findIds: (_, keys, below) => engine.read(() => tables.found(keys, below)),
    seriesKept: () => engine.read(() => [...new Set([...tables.series.keys(), ...tables.fillMarks.keys()])]),
    newestSeries: () => engine.read(() => Math.max(0, ...tables.series.keys(), ...tables.fillMarks.keys())),
    windows: (query) => engine.read(() => windows.read(query)),
    newestPane: (series) => engine.read(() => windows.newestPane(series)),
    listGroups: (series) => listGroups(tables, engine, series),
    seriesCounts: (series) =>
      engine.read(() => new Map(series.map((one) => [one, { skipped: 0, late: 0, groups: 0, ungrouped: 0 }]))),
    events: (query) =>
      engine.read(() => tables.raw.map((row) => ({ ...row, payload: row.text })).slice(0, query.limit)),
    totals: () => engine.read(() => ({ ...tables.totals, rejects: 0 })),
    ping: () => engine.read(() => {}),
  };
}

/** What is counted and what is then listed are two statements. */
async function listGroups(
  tables: Tables,
  engine: Engine,
  asked: readonly Unlisted[],
): Promise<ReadonlyMap<number, number>> {
  const known = asked.filter(({ series }) => tables.series.has(series));
  const counts = await engine.read(
    () => new Map(known.map((one) => [one.series, tables.of(one.series).listed.size + tables.unlisted(one).size])),
  );
  const list = (): void => {
    for (const one of known) for (const group of tables.unlisted(one)) tables.of(one.series).listed.add(group);
  };
  if (known.some((one) => tables.unlisted(one).size > 0)) await engine.write("list groups", [list]);
  return new Map(asked.map(({ series }) => [series, counts.get(series) ?? 0]));
}

const notSimulated = (): never => {
  throw new RangeError("nobody asks for this in the simulation");
};

type Unused =
  | ("windowTable" | "tryOut" | "tryRollUp" | "compare")
  | ("setAside" | "rejects" | "dropRejects" | "takesRows" | "rejectedOffsets")
  | ("noteErasing" | "eraseNoted" | "purge");

/** Nothing that is sent in a world is refused for what it is, so that the quarantine is empty; and nobody erases anything. */
const unused: Pick<Store, Unused> = {
  rejectedOffsets: async () => [],
  compare: notSimulated,
  noteErasing: notSimulated,
  eraseNoted: notSimulated,
  purge: notSimulated,
  windowTable: notSimulated,
  tryOut: notSimulated,
  tryRollUp: notSimulated,
  setAside: notSimulated,
  rejects: notSimulated,
  dropRejects: notSimulated,
  takesRows: notSimulated,
};
