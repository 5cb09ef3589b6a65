import type { Readable } from "node:stream";
import type { Clock } from "../../lib/clock.ts";
import { renderOverflowSeen, renderPageEnd } from "../../rollup/table.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { RejectQuery, RejectedEvent } from "../rejects.ts";
import type { EventQuery, StoredEvent, TableQuery, WindowQuery, WindowRow, WindowTable } from "../store.ts";
import type { Connection } from "./connection.ts";
import { ofEvents, ofRejects, ofWindows, withinLimits } from "./over-limit.ts";
import { pageEnd, readWindows } from "./pieces.ts";
import { selectRejects } from "./rejects.ts";
import { readSecondsMax } from "./statement-settings.ts";
import { selectEvents } from "./statements.ts";
import { readTable } from "./table.ts";
import { timeLeft } from "./time-left.ts";
import { type FoundPlace, placeOf, windowRow } from "./window-row.ts";

export interface QuestionOptions {
  readonly connection: Connection;
  readonly clock: Pick<Clock, "monotonic">;
  /** Of a table's rows in the engine's memory, which takes two to three times as much until they are sent. */
  readonly tableBytesMax: number;
  /** Of windows, events and rejects that are read at a time, there; here they take several times as much. */
  readonly rowsBytesMax: number;
}

type Bounded = Pick<Connection, "rows">;

/** What of the store users read. Each has at most one statement under way. See `Store`. */
export class Questions {
  readonly #options: QuestionOptions;

  constructor(options: QuestionOptions) {
    this.#options = options;
  }

  async windows(query: WindowQuery, secondsMax?: number, signal?: AbortSignal): Promise<readonly WindowRow[]> {
    const rows = await withinLimits(readWindows(this.#bounded(secondsMax), query, signal));
    return rows.map((row) => windowRow(query.rule, row));
  }

  async windowTable(query: TableQuery, signal: AbortSignal): Promise<WindowTable> {
    const [end, behind] = await withinLimits(this.#pageEnd(query, signal));
    const withOverflow = await withinLimits(this.#hasOverflow(query, signal));
    const last = end && behind && placeOf(end);
    const page = { ...query, withOverflow, ...(last === undefined ? {} : { through: last }) };
    const { connection, tableBytesMax } = this.#options;
    const read = (reading: AbortSignal): Promise<Readable> =>
      withinLimits(readTable(connection, page, tableBytesMax, reading));
    return last === undefined ? { read } : { last, read };
  }

  async events(query: EventQuery, signal?: AbortSignal): Promise<readonly StoredEvent[]> {
    type Row = StoredEvent & { readonly timestamp_ms: number };
    const rows = await withinLimits(this.#bounded().rows<Row>(selectEvents(query), signal), ofEvents);
    return rows.map(({ timestamp_ms, ...row }) => ({ ...row, timestamp: timestamp_ms }));
  }

  rejects(query: RejectQuery, signal?: AbortSignal): Promise<readonly RejectedEvent[]> {
    return withinLimits(this.#bounded().rows<RejectedEvent>(selectRejects(query), signal), ofRejects);
  }

  /** Statements that may take so long together, and each so many bytes of rows. */
  #bounded(secondsMax = readSecondsMax): Bounded {
    const { connection, clock, rowsBytesMax: bytesMax } = this.#options;
    const left = timeLeft(clock, Math.min(secondsMax, readSecondsMax), ofWindows.tooLong);
    return {
      rows: async <Row>(statement: Statement, signal?: AbortSignal) =>
        connection.rowsWithin<Row>({ bytesMax, secondsMax: left() }, statement, signal),
    };
  }

  async #pageEnd(query: TableQuery, signal: AbortSignal): Promise<readonly FoundPlace[]> {
    const found = await pageEnd(this.#bounded(), query, signal);
    return found ?? this.#bounded().rows<FoundPlace>(renderPageEnd(query), signal);
  }

  /** No filter finds the overflow. */
  async #hasOverflow(query: TableQuery, signal: AbortSignal): Promise<boolean> {
    if (query.rule.groupBy.length === 0 || query.filters.length > 0) return false;
    return (await this.#options.connection.rows(renderOverflowSeen(query), signal)).length > 0;
  }
}
