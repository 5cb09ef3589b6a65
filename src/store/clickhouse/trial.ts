import type { OffsetRange } from "../../event/position.ts";
import { WeirError } from "../../lib/errors.ts";
import { renderTrialCounts, renderTrialEvents, renderTrialWindows } from "../../rollup/trial.ts";
import type { Trial, TrialQuery } from "../store.ts";
import { type FoundWindow, windowRow } from "./window-row.ts";
import type { Connection } from "./connection.ts";
import { isOverLimit } from "./over-limit.ts";
import { newestRanges } from "./newest-ranges.ts";

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

type CountsRow = Pick<Trial, "entered" | "skipped" | "late" | "groups" | "rows" | "panes">;

/** See `Store.tryOut`. */
export async function tryOut(connection: Connection, query: TrialQuery, signal: AbortSignal): Promise<Trial> {
  const ranges = await newestRanges(connection, query.eventsMax);
  if (ranges.length === 0) return nothing;
  try {
    return await measure(connection, { ...query, ranges }, signal);
  } catch (error) {
    throw isOverLimit(error) ? overLimit(error) : error;
  }
}

async function measure(
  connection: Connection,
  trial: TrialQuery & { readonly ranges: readonly OffsetRange[] },
  signal: AbortSignal,
): Promise<Trial> {
  const found = await connection.measured<EventsRow>(renderTrialEvents(trial), limits, signal);
  const { events, earliest, latest } = found.rows[0]!;
  if (events === 0) return nothing;
  const { rows, seconds, rowsRead } = await connection.measured<CountsRow>(renderTrialCounts(trial), limits, signal);
  const read = await connection.measured<FoundWindow>(renderTrialWindows(trial, trial.limit), limits, signal);
  const windows = read.rows.map((row) => windowRow(trial.rule, row));
  return { events, span: { earliest, latest }, ...rows[0]!, windows, engineMs: seconds * 1000, rowsRead };
}

const nothing: Trial = {
  ...{ events: 0, span: null, entered: 0, skipped: 0, late: 0, groups: 0 },
  ...{ rows: 0, panes: 0, windows: [], engineMs: 0, rowsRead: 0 },
};

const overLimit = (cause: unknown): WeirError =>
  new WeirError("timeout", `trying the rule out took more than ${secondsMax} s or more memory than a trial may have`, {
    cause,
    canRetry: true,
  });
