import { walkPacked } from "../event/packed.ts";
import { offset } from "../event/position.ts";
import type { WeirError } from "../lib/errors.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { RawPiece, Store } from "../store/store.ts";
import type { Batch, Piece } from "./batch.ts";
import { withoutRejected } from "./batch.ts";
import { isRefused, reasonOf, rowOf } from "./faulty-rules.ts";

/** An event that the store does not take. */
export interface Refused {
  readonly piece: Piece;
  readonly index: number;
  /** For people. */
  readonly reason: string;
}

interface Row {
  readonly piece: Piece;
  readonly index: number;
  readonly timestamp: number;
}

type SiftedStore = Pick<Store, "insertRaw" | "settle" | "storedOffsets" | "takesRows">;

/**
 * Writes a batch's raw rows. When the store refuses them and says which row it is about, that one is tried by itself and what
 * comes behind it is written on: two writes for each bad row. Where it names none, or a wrong one, the rows are halved until
 * those at fault are found: one bad row among 10,000 takes some twenty writes. An event is refused only when the store did not
 * take it by itself, and twice, or named it among others, and would take a harmless one in between: an engine that refuses
 * everything has a fault of its own, which is no event's.
 *
 * Rejects with what else befalls the store; called again, it goes on with what is neither stored (which the caller finds
 * out) nor refused so far.
 */
export class Sifter {
  readonly #store: SiftedStore;
  readonly #batch: Batch;
  readonly refused: Refused[] = [];
  /** Asked once for all that are refused together. */
  #takesRows: Promise<void> | undefined;
  /** Of the last refusal. */
  #reason = "";

  constructor(store: SiftedStore, batch: Batch) {
    this.#store = store;
    this.#batch = batch;
  }

  async write(): Promise<void> {
    const { pieces } = this.#batch;
    this.#takesRows = undefined;
    const refusal = await this.#refusal(pieces);
    if (refusal === undefined) return;
    await this.#follow(rowsOf(pieces), refusal);
  }

  /** These were refused together, in this order; the refusal may name one of them. */
  async #follow(refused: readonly Row[], refusal: WeirError): Promise<void> {
    /** Rows before those that were named: nothing was said of them. */
    const passed: Row[] = [];
    let rows = refused;
    for (let next: WeirError | undefined = refusal; next !== undefined;) {
      const named = rows[rowOf(next) ?? rows.length];
      const left = await this.#leftAfter(next, rows);
      const at = named === undefined ? -1 : left.indexOf(named);
      if (named === undefined || at < 0) return this.#siftApart(left, passed);
      const before = this.refused.length;
      passed.push(...left.slice(0, at));
      rows = left.slice(at + 1);
      next = await this.#confirmBeside(named, rows);
      // It was named and is taken: what is named is not what is refused.
      if (this.refused.length === before)
        return this.#siftApart(next === undefined ? [] : await this.#leftAfter(next, rows), passed);
    }
    const again = passed.length === 0 ? undefined : await this.#refusal(piecesOf(passed));
    if (again !== undefined) await this.#follow(passed, again);
  }

  /** Confirms the one while the others are written: most of the time both wait for the engine. Answers what became of the others. */
  async #confirmBeside(named: Row, others: readonly Row[]): Promise<WeirError | undefined> {
    const writing = others.length === 0 ? undefined : this.#refusal(piecesOf(others));
    // Both are over before anybody hears of a failure: he would read what is stored while the other is still being written.
    const [confirmed, written] = await Promise.allSettled([this.#confirm(named), writing]);
    if (confirmed.status === "rejected") throw confirmed.reason;
    if (written.status === "rejected") throw written.reason;
    return written.value;
  }

  async #siftApart(refused: readonly Row[], others: readonly Row[]): Promise<void> {
    if (refused.length > 0) await this.#halve(inOrderOfTime(refused));
    await this.#sift(inOrderOfTime(others));
  }

  /** These were refused together. */
  async #halve(rows: readonly Row[]): Promise<void> {
    if (rows.length < 2) return this.#sift(rows);
    const middle = rows.length >> 1;
    const before = this.refused.length;
    await this.#sift(rows.slice(0, middle));
    // When the first half was taken, it is the second that was refused.
    const rest = rows.slice(middle);
    await (this.refused.length === before ? this.#halve(rest) : this.#sift(rest));
  }

  async #sift(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const left = await this.#leftOf(rows);
    if (left.length === 0) return;
    return rows.length > 1 ? this.#halve(left) : this.#confirm(rows[0]!);
  }

  /** Tries one that was refused by itself again, after a harmless one was taken: it may be the engine that is ill. */
  async #confirm(alone: Row): Promise<void> {
    await (this.#takesRows ??= this.#store.takesRows(this.#batch.range.src));
    const [row] = await this.#leftOf([alone]);
    if (row === undefined) return;
    withoutRejected(this.#batch, new Set([row.piece.from + row.index]));
    this.refused.push({ piece: row.piece, index: row.index, reason: this.#reason });
  }

  /** Writes these. Answers what of them the store has refused. */
  async #leftOf(rows: readonly Row[]): Promise<readonly Row[]> {
    const refusal = await this.#refusal(piecesOf(rows));
    return refusal === undefined ? [] : this.#leftAfter(refusal, rows);
  }

  async #leftAfter(refusal: WeirError, rows: readonly Row[]): Promise<readonly Row[]> {
    passFailpoint("mid-bisection");
    this.#reason = reasonOf(refusal);
    return refusal.outcomeUnknown ? this.#missing(rows) : rows;
  }

  /** Why the store does not take these; undefined: it has them. */
  async #refusal(pieces: readonly RawPiece[]): Promise<WeirError | undefined> {
    try {
      await this.#store.insertRaw(this.#batch.range.src, pieces);
      return undefined;
    } catch (error) {
      if (isRefused(error)) return error;
      throw error;
    }
  }

  /** A refused write may have left a part of it behind. */
  async #missing(rows: readonly Row[]): Promise<readonly Row[]> {
    const { src, from } = this.#batch.range;
    await this.#store.settle(this.#batch.range.src);
    const stored = new Set<number>(await this.#store.storedOffsets(src, from));
    return rows.filter(({ piece, index }) => !stored.has(piece.from + index));
  }
}

/** In the order in which they are written. */
function rowsOf(pieces: readonly Piece[]): readonly Row[] {
  const rows: Row[] = [];
  for (const piece of pieces) {
    walkPacked(piece.events, ({ timestamp }, index) => {
      if (!piece.skip?.[index]) rows.push({ piece, index, timestamp });
    });
  }
  return rows;
}

/** The store may keep what is close in time together, so that what is written in halves is in few places. */
const inOrderOfTime = (rows: readonly Row[]): readonly Row[] => rows.toSorted((a, b) => a.timestamp - b.timestamp);

/** The pieces of these rows, with nothing else that is to be stored. */
const piecesOf = (rows: readonly Row[]): readonly RawPiece[] =>
  [...Map.groupBy(rows, ({ piece }) => piece)].map(([piece, some]) => stretchOf(piece, some));

/** No more of a piece than what lies between the first and the last of its rows: what is written is walked through. */
function stretchOf({ from, receivedAt, events, ends }: Piece, rows: readonly Row[]): RawPiece {
  const first = rows.reduce((least, { index }) => Math.min(least, index), Infinity);
  const last = rows.reduce((most, { index }) => Math.max(most, index), 0);
  const start = first === 0 ? 0 : ends[first - 1]!;
  const skip = new Uint8Array(last - first + 1).fill(1);
  for (const { index } of rows) skip[index - first] = 0;
  return {
    from: offset(from + first),
    receivedAt,
    events: { count: skip.length, bytes: events.bytes.subarray(start, ends[last]) },
    ends: ends.slice(first, last + 1).map((end) => end - start),
    skip,
  };
}
