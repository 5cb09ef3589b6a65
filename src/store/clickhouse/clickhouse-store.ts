import type { Offset, OffsetRange, Src } from "../../event/position.ts";
import { offset, src as srcOf } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import { inTurns } from "../../lib/in-turns.ts";
import { renderNewest } from "../../rollup/read.ts";
import { type RollupPlan, planRollup } from "../../rollup/plan.ts";
import { renderRollup } from "../../rollup/render.ts";
import type { Comparison } from "../../rollup/verify.ts";
import type {
  DifferenceKind,
  Differences,
  EventKey,
  EventQuery,
  EventsToErase,
  FirstEvents,
  Mark,
  RawPiece,
  RollupTask,
  SeriesCounts,
  Store,
  StoredEvent,
  TableQuery,
  Totals,
  Trial,
  TrialQuery,
  Unlisted,
  WindowQuery,
  WindowRow,
  WindowTable,
} from "../store.ts";
import { claimHolds } from "./claim-statements.ts";
import type { Claims } from "./claims.ts";
import { compare } from "./compare.ts";
import type { Connection } from "./connection.ts";
import { unavailable } from "./failure.ts";
import { areOfOneMonth, encodeRawRows, rawRows, rawRowsBytesMax } from "./row-binary.ts";
import { type Opening, lookAt, openReading, openStore } from "./opening.ts";
import { rawTrial, rollupsTrial } from "./schema.ts";
import type { Position, RejectQuery, RejectedEvent } from "../rejects.ts";
import { Erasing } from "./erasing.ts";
import { Dropping, type Expired } from "./dropping.ts";
import { FillMarks } from "./fill-marks.ts";
import { type KeyColumns, findIds, keysOf } from "./find-ids.ts";
import { GroupLists } from "./group-lists.ts";
import * as quarantine from "./rejects.ts";
import { Questions } from "./questions.ts";
import { yieldingSettings } from "./statement-settings.ts";
import * as statements from "./statements.ts";
import type { Standing } from "./shards.ts";
import { tryOut } from "./trial.ts";
import type { Whom } from "./trouble.ts";

/** Within this an engine answers that it is there; one that does not, hangs. */
const pingMs = 1000;

/**
 * Rows of one key are merged behind the insert like those of two inserts: to look for them in it takes as long as all else,
 * and a live batch holds few. A fill's piece, whose events are scattered, may hold many.
 */
const liveSettings = { optimize_on_insert: 0 };

const nothing = planRollup([]);
const none: ReadonlyMap<number, number> = new Map();
const nobody: ReadonlySet<number> = new Set();

/** The store on a ClickHouse server or the embedded engine, which answers the same protocol. */
export class ClickHouseStore implements Store {
  /** In parts, for who has several servers (sharded-store.ts). */
  readonly dropping: Dropping;
  readonly lists: GroupLists;
  readonly #connection: Connection;
  readonly #whole: Connection;
  readonly #clock: Clock;
  readonly #claims: Claims | null;
  readonly #mustHaveAll: () => Promise<void>;
  readonly #opening: Opening;
  readonly #questions: Questions;
  readonly #erasing: Erasing;
  readonly #fillMarks: FillMarks;
  #spare: Buffer | null = null;
  #trials = Promise.resolve();

  /**
   * `claims`: where writes may outlive this process. `whole`: where all partitions are read, if this connection's database has only
   * some of them. For the bounds see `Questions`.
   */
  constructor(options: {
    readonly connection: Connection;
    readonly whole?: Connection;
    readonly clock: Clock;
    readonly claims?: Claims;
    /** Rejects while stored events are missing that were counted. */
    readonly mustHaveAll?: () => Promise<void>;
    readonly opening?: Opening;
    readonly tableBytesMax?: number;
    readonly rowsBytesMax?: number;
  }) {
    this.#connection = options.connection;
    this.#whole = options.whole ?? options.connection;
    this.#clock = options.clock;
    this.#claims = options.claims ?? null;
    this.#mustHaveAll = options.mustHaveAll ?? (async () => {});
    this.#opening = options.opening ?? { version: "unknown", change: true };
    this.dropping = new Dropping(options.connection);
    this.#erasing = new Erasing(options.connection);
    const { connection, clock, tableBytesMax = 128 * 2 ** 20, rowsBytesMax = 64 * 2 ** 20 } = options;
    const whole = this.#whole;
    this.lists = new GroupLists(connection, whole);
    this.#fillMarks = new FillMarks({ connection, whole, mark: (src, marks) => this.#mark(src, marks) });
    this.#questions = new Questions({ connection: whole, clock, tableBytesMax, rowsBytesMax });
  }

  open(signal: AbortSignal): Promise<void> {
    return openStore(this.#connection, this.#opening, this.#clock, signal);
  }

  /** Of one of several: which it is, before anything is changed; and what reads all of them, when all are open. */
  lookAt(signal: AbortSignal): Promise<Standing> {
    return lookAt(this.#connection, this.#opening, this.#clock, signal);
  }

  openWhole(ids: readonly string[], signal: AbortSignal): Promise<void> {
    return openReading(this.#connection, ids, this.#opening, this.#clock, signal);
  }

  get whom(): Whom {
    return this.#connection.whom;
  }

  async insertRaw(src: Src, pieces: readonly RawPiece[]): Promise<void> {
    const buffer = this.#takeBuffer(rawRowsBytesMax(pieces));
    const { rows, bytes } = await inTurns(encodeRawRows(buffer, src, pieces), this.#clock);
    if (rows > 0) await this.#insertRaw(src, bytes, pieces);
    // Only now, and never after a failure: a request that was given up may still be reading it.
    this.#spare = buffer;
  }

  /** Rows of one month are one part, so that of those that are refused nothing is there. */
  async #insertRaw(src: Src, bytes: Buffer, pieces: readonly RawPiece[]): Promise<void> {
    const claim = await this.#claims?.of(src);
    try {
      await this.#connection.insertRows(rawRows, bytes, claim);
    } catch (error) {
      if (!(error instanceof WeirError) || error.code !== "store_refused" || !areOfOneMonth(pieces)) throw error;
      const { message, details, cause } = error;
      throw new WeirError("store_refused", message, { details, cause, outcomeUnknown: false });
    }
  }

  /** One batch follows the other: using its buffer again spares the collector tens of megabytes a batch. */
  #takeBuffer(bytes: number): Buffer {
    const spare = this.#spare;
    this.#spare = null;
    return spare !== null && spare.length >= bytes ? spare : Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25));
  }

  async rollUp(task: RollupTask): Promise<boolean> {
    // What is live is of events that have just been stored.
    if (task.counts === null) await this.#mustHaveAll();
    return this.#rollUp(task);
  }

  async #rollUp(task: RollupTask): Promise<boolean> {
    const { rooms = none, keptFrom = none, roomMayGrow = nobody, groupsMax = Number.MAX_SAFE_INTEGER } = task;
    const counts = task.counts === null ? null : { src: task.range.src, ...task.counts };
    const marks = task.marks.map((mark) => ({ key: statements.markKey(mark) }));
    const claim = await this.#claims?.of(task.range.src);
    const holds = claim === undefined ? {} : { when: claimHolds(claim) };
    try {
      const bounds = { whole: this.#connection.whole, rooms, keptFrom, roomMayGrow, groupsMax };
      const extras = { marks, counts, ...bounds, ...holds };
      const statement = renderRollup(task.plan, task.range, extras);
      await this.#connection.write(statement, task.yielding ? yieldingSettings : liveSettings, claim);
      return true;
    } catch (error) {
      if (isThrown(error)) return false;
      throw error;
    }
  }

  async #mark(src: Src, marks: readonly Mark[]): Promise<void> {
    const range = { src, from: offset(0), to: offset(0) };
    await this.#rollUp({ range, plan: nothing, marks, counts: null, yielding: true });
  }

  tryRollUp(range: OffsetRange, plan: RollupPlan): Promise<void> {
    const marks = [{ key: statements.markKey({ series: 0, range }) }];
    const counts = { src: range.src, events: 0, duplicates: 0 };
    const statement = renderRollup(plan, range, {
      marks,
      counts,
      into: "rollups_trial",
      whole: this.#connection.whole,
    });
    return this.#try(async () => {
      await this.#writeEach(rollupsTrial);
      await this.#connection.write(statement);
    });
  }

  /** One after the other, as they share tables. Of other processes one may have made them anew meanwhile, which says nothing of what is tried. */
  #try(trial: () => Promise<void>): Promise<void> {
    const tried = this.#trials.then(trial).catch((error: unknown) => {
      throw isOfTables(error) ? unavailable(error) : error;
    });
    this.#trials = tried.catch(() => {});
    return tried;
  }

  async #writeEach(statementTexts: readonly string[]): Promise<void> {
    for (const sql of statementTexts) await this.#connection.write({ sql, parameters: {} });
  }

  async takeOver(src: Src): Promise<void> {
    await this.settle();
    await this.#claims?.take(src);
  }

  async settle(src?: Src): Promise<void> {
    if (this.#claims !== null) return this.#claims.settle(src);
    for (const id of this.#connection.inDoubt().keys()) {
      await this.#connection.kill([id], "SYNC");
      this.#connection.settled([id]);
    }
  }

  async marks(series: number, src: Src, from: Offset): Promise<readonly OffsetRange[]> {
    const rows = await this.#connection.rows<{ range_from: number; range_to: number }>(
      statements.selectMarks(series, src, from),
    );
    return rows.map((row) => ({ src, from: offset(row.range_from), to: offset(row.range_to) }));
  }

  fillMarks(series: readonly number[]): Promise<ReadonlyMap<number, readonly OffsetRange[]>> {
    return this.#fillMarks.of(series);
  }

  joinFillMarks(src: Src, series: readonly number[]): Promise<void> {
    return this.#fillMarks.join(src, series);
  }

  async firstEvents(range: OffsetRange, eventsMax: number): Promise<FirstEvents> {
    const [row] = await this.#connection.rows<FirstEvents>(statements.selectFirstEvents(range, eventsMax));
    return row === undefined || row.events === 0 ? { events: 0, last: range.from } : row;
  }

  async storedOffsets(src: Src, from: Offset): Promise<readonly Offset[]> {
    const { off } = await this.#connection.columns<{ off: Offset[] }>(statements.selectStoredOffsets(src, from));
    return off ?? [];
  }

  async latestIds(src: Src, limit: number): Promise<readonly EventKey[]> {
    return keysOf(await this.#connection.columns<KeyColumns>(statements.selectLatestIds(src, limit)));
  }

  async findIds(src: Src, keys: readonly EventKey[], below: Offset): Promise<readonly EventKey[]> {
    return findIds((statement) => this.#connection.columns(statement), src, keys, below);
  }

  async forgetMarks(src: Src, below: Offset): Promise<void> {
    const marks = await this.marks(0, src, offset(0));
    // The newest stays whatever happens: it tells the next start if the log is not the one that was counted.
    const done = marks.slice(0, -1).filter((mark) => mark.to < below);
    for (let at = 0; at < done.length; at += statements.keysPerLookup) {
      await this.#connection.write(statements.deleteMarks(done.slice(at, at + statements.keysPerLookup)));
    }
  }

  dropSeries(series: number): Promise<void> {
    return this.dropping.series(series);
  }

  dropWindows(expired: readonly Expired[]): Promise<readonly number[]> {
    return this.dropping.windows(expired);
  }

  async seriesKept(): Promise<readonly number[]> {
    const rows = await this.#whole.rows<{ series: number }>(statements.selectSeries);
    return rows.map((row) => row.series);
  }

  async newestSeries(): Promise<number> {
    const [row] = await this.#whole.rows<{ newest: number }>(statements.selectNewestSeries);
    return row?.newest ?? 0;
  }

  windows(query: WindowQuery, secondsMax?: number, signal?: AbortSignal): Promise<readonly WindowRow[]> {
    return this.#questions.windows(query, secondsMax, signal);
  }

  windowTable(query: TableQuery, signal: AbortSignal): Promise<WindowTable> {
    return this.#questions.windowTable(query, signal);
  }

  async newestPane(series: number): Promise<number | undefined> {
    const rows = await this.#whole.rows<{ pane: number | null }>(renderNewest(series));
    return rows[0]?.pane ?? undefined;
  }

  async listGroups(series: readonly Unlisted[]): Promise<ReadonlyMap<number, number>> {
    const { counts, lacking } = await this.lists.count(series);
    await this.lists.complete(lacking);
    return counts;
  }

  async seriesCounts(series: readonly number[]): Promise<ReadonlyMap<number, SeriesCounts>> {
    const counts = new Map(series.map((one) => [one, { skipped: 0, late: 0, groups: 0, ungrouped: 0 }]));
    if (series.length === 0) return counts;
    const { rows } = await this.#whole.measured<SeriesCounts & { series: number }>(
      statements.selectSeriesCounts(series),
      yieldingSettings,
    );
    for (const { series: one, ...found } of rows) counts.set(one, found);
    return counts;
  }

  events(query: EventQuery, signal?: AbortSignal): Promise<readonly StoredEvent[]> {
    return this.#questions.events(query, signal);
  }

  tryOut(query: TrialQuery, signal: AbortSignal): Promise<Trial> {
    return tryOut(this.#whole, query, signal);
  }

  async totals(): Promise<Totals> {
    const rows = await this.#whole.rows<Totals>(statements.selectTotals);
    return rows[0] ?? { events: 0, duplicates: 0, rejects: 0 };
  }

  async setAside(events: readonly RejectedEvent[]): Promise<void> {
    for (const [of, some] of Map.groupBy(events, (event) => event.src)) {
      const claim = await this.#claims?.of(srcOf(of));
      await this.#connection.insertRows(quarantine.rejectRows, quarantine.encodeRejects(some), claim);
    }
  }

  async rejectedOffsets(src: Src, from: Offset): Promise<readonly Offset[]> {
    const { off } = await this.#connection.columns<{ off: Offset[] }>(quarantine.selectRejectedOffsets(src, from));
    return off ?? [];
  }

  rejects(query: RejectQuery, signal?: AbortSignal): Promise<readonly RejectedEvent[]> {
    return this.#questions.rejects(query, signal);
  }

  async dropRejects(positions: readonly Position[]): Promise<number> {
    const [row] = await this.#connection.rows<{ found: number }>(quarantine.countRejects(positions));
    if (row === undefined || row.found === 0) return 0;
    await this.#connection.write(quarantine.deleteRejects(positions));
    return row.found;
  }

  takesRows(): Promise<void> {
    return this.#try(async () => this.#writeEach(rawTrial));
  }

  compare(comparison: Comparison, kind: DifferenceKind, signal: AbortSignal): Promise<Differences> {
    return compare(this.#whole, comparison, kind, signal);
  }

  async noteErasing(erasure: string, events: EventsToErase): Promise<number> {
    await this.#mustHaveAll();
    return this.#erasing.note(erasure, events);
  }

  eraseNoted(erasures: readonly string[]): Promise<void> {
    return this.#erasing.eraseNoted(erasures);
  }

  purge(erasures: readonly string[]): Promise<void> {
    return this.#erasing.purge(erasures);
  }

  async ping(): Promise<void> {
    const ended = new AbortController();
    void this.#clock.sleep(pingMs, ended.signal).then(() => ended.abort());
    await this.#connection.ping(ended.signal).finally(() => ended.abort());
  }

  async close(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#whole.close()]);
  }
}

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, as the engine's client names it: the rollup found more groups than it may. */
const isThrown = (error: unknown): boolean => codeOf(error) === "395";

/** TABLE_ALREADY_EXISTS, UNKNOWN_TABLE, TABLE_IS_DROPPED. */
const isOfTables = (error: unknown): boolean => ["57", "60", "218"].includes(codeOf(error) ?? "");

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof WeirError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
}
