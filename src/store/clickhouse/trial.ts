import { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import {
  overTrial,
  renderTrialCounts,
  renderTrialEvents,
  type TrialSelection,
  trialWindows,
} from "../../rollup/trial.ts";
import type { Trial, TrialQuery, WindowRow } from "../store.ts";
import { windowRow } from "./window-row.ts";
import type { Connection } from "./connection.ts";
import { type Advice, withinLimits } from "./over-limit.ts";
import { newestRanges } from "./newest-ranges.ts";
import { readWindows } from "./pieces.ts";

const secondsMax = 10;

/** One thread, so that a trial takes little from counting, and its time says what it costs. */
const limits = {
  max_threads: 1,
  max_execution_time: secondsMax,
  timeout_overflow_mode: "throw",
  max_memory_usage: String(512 * 2 ** 20),
  max_rows_to_read: String(20_000_000),
  read_overflow_mode: "throw",
};

interface EventsRow {
  readonly events: number;
  readonly earliest: number;
  readonly latest: number;
}

type CountsRow = Pick<Trial, "entered" | "skipped" | "late" | "groups" | "groupsKept" | "rows" | "panes">;

/** See `Store.tryOut`. */
export async function tryOut(connection: Measuring, query: TrialQuery, signal: AbortSignal): Promise<Trial> {
  const ranges = await newestRanges(connection, query.eventsMax);
  if (ranges.length === 0) return nothing;
  return withinLimits(measure(connection, { ...query, ranges }, signal), advice);
}

type Measuring = Pick<Connection, "measured" | "rows" | "columns">;

async function measure(connection: Measuring, trial: TrialQuery & TrialSelection, signal: AbortSignal): Promise<Trial> {
  const found = await connection.measured<EventsRow>(renderTrialEvents(trial), limits, signal);
  const { events, earliest, latest } = found.rows[0]!;
  if (events === 0) return nothing;
  const { rows, seconds, rowsRead } = await connection.measured<CountsRow>(
    renderTrialCounts(trial, trial.keptFrom),
    limits,
    signal,
  );
  const counts = rows[0]!;
  const windows = await newestWindows(connection, trial, counts, signal);
  return { events, span: { earliest, latest }, ...counts, windows, engineMs: seconds * 1000, rowsRead };
}

/** Where windows overlap, in pieces: the events are rolled up for each, and what all of them take is bounded together. */
async function newestWindows(
  connection: Measuring,
  trial: TrialQuery & TrialSelection,
  { rows, panes }: CountsRow,
  signal: AbortSignal,
): Promise<readonly WindowRow[]> {
  let left = secondsMax;
  const bounded: Pick<Connection, "rows"> = {
    rows: async <Row>(statement: Statement) => {
      if (left <= 0) throw new WeirError("timeout", advice.tooLong, { canRetry: true });
      const read = await connection.measured<Row>(overTrial(statement, trial), limits, signal);
      left -= read.seconds;
      return [...read.rows];
    },
  };
  const groups = Math.max(1, rows / panes);
  const found = await readWindows(bounded, trialWindows(trial.rule, trial.limit), signal, groups);
  return found.map((row) => windowRow(trial.rule, row));
}

const nothing: Trial = {
  ...{ events: 0, span: null, entered: 0, skipped: 0, late: 0, groups: 0, groupsKept: 0 },
  ...{ rows: 0, panes: 0, windows: [], engineMs: 0, rowsRead: 0 },
};

const advice: Advice = {
  tooLong: `trying the rule out took more than ${secondsMax} s; try it again when the server has less to do, or try a simpler filter, fewer groups or a longer hop`,
  tooLarge:
    "trying the rule out takes more memory than a trial may have; try fewer or shorter group values, a longer hop, a shorter window, or a filter that lets fewer events in",
};
